"""A description of a released file: what it holds, what is inferred, what the user must state."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import fmean, stdev

from torch import Tensor

from ...plugins.presets import first_comment, preset_names
from .checks import name_warnings, neighbours_correlation, plausible_spaces
from .choice import GROUP, POSSIBLE
from .importer import ImportedSet
from .recognising import read_set
from .source import Source


def inspected(given: object) -> tuple[ImportedSet, list[str]]:
    """A set read from a source, and lines with all that can be known without the dataset.

    Raises:
        UserError: if the source cannot be read.
    """
    source = Source(given)
    name, made = read_set(source)
    return made, list(_lines(source, name, made))


def as_first(images: Tensor, layout: str | None) -> Tensor:
    """Images with channels first; if the layout is unknown, the smaller dimension is channels."""
    is_last = layout == "NHWC" or (layout is None and images.shape[3] < images.shape[1])
    return images.permute(0, 3, 1, 2) if is_last else images


def accuracy_in_words(values: list[float]) -> str:
    """Mean, standard deviation and count of accuracies in [0, 1]."""
    spread = f" ± {100 * stdev(values):.2f} (standard deviation)" if len(values) > 1 else ""
    return f"{100 * fmean(values):.2f} %{spread}, {len(values)} networks"


def _lines(source: Source, name: str, made: ImportedSet) -> Iterator[str]:
    images = as_first(made.images, made.layout)
    yield f"{source}: read by the importer {name}"
    yield f"images: {_described(made.images)}"
    yield f"labels: {_labels(made)}"
    if made.sets > 1:
        yield f"sets: {made.sets}; showing the last"
    if made.learned_rate is not None:
        yield f"learned rate: {made.learned_rate:.6g}"
    for network, values in made.recorded.items():
        yield f"recorded accuracy of {network}: {accuracy_in_words(values)}"
    if made.finished is not None:
        said = made.finished
        yield f"a set of ddbench: {said.dataset}, input space {said.input_space}, no options needed"
        return
    yield "inferred:"
    yield f"  layout {made.layout or _guessed_layout(made.images)}"
    yield f"  correlation of neighbouring pixels {neighbours_correlation(images):.2f} (about .65 to"
    yield "    .89 in pictures, .43 to .53 after ZCA, less in noise: a hint, no more)"
    yield f"  plausible without whitening: {', '.join(plausible_spaces(images))}"
    warnings = [
        *made.notes,
        *(name_warnings(source.path.name, images, None) if source.path else []),
    ]
    for line in warnings:
        yield f"  note: {line}"
    yield "to be given:"
    for option in _to_be_said(made):
        yield f"  {option}= {POSSIBLE[option]}"
    yield "  or like=FAMILY, which says what a family always does:"
    for known in preset_names(GROUP):
        yield f"    {known:15s} {first_comment(GROUP, known)}"


def _to_be_said(made: ImportedSet) -> list[str]:
    has_soft = made.labels is not None and made.labels.ndim == 2
    wanted = {
        "dataset": True,
        "input_space": made.input_space is None,
        "which": made.sets > 1,
        "label_kind": has_soft and made.label_kind is None,
        "ids": not made.folders and made.ids is None and (has_soft or made.labels is None),
    }
    return [name for name, is_wanted in wanted.items() if is_wanted]


def _described(values: Tensor) -> str:
    low, high = float(values.min()), float(values.max())
    kind = str(values.dtype).removeprefix("torch.")
    spread = float(values.float().std()) if values.numel() > 1 else 0.0
    return f"{tuple(values.shape)} {kind}, {low:.3g} to {high:.3g}, standard deviation {spread:.3g}"


def _labels(made: ImportedSet) -> str:
    if made.folders:
        names = sorted(set(made.folders))
        return f"{len(names)} folders, such as {', '.join(repr(n[:20]) for n in names[:4])}"
    if made.labels is None:
        return "none"
    if made.labels.ndim == 1:
        counts = made.labels.unique(return_counts=True)[1]  # an id may be absurdly large
        return (
            f"class ids of {len(counts)} classes, {int(made.labels.min())} to "
            f"{int(made.labels.max())}, {_range(int(counts.min()), int(counts.max()))} of each"
        )
    sums = made.labels.sum(1)
    is_distribution = bool((made.labels >= 0).all()) and bool((sums - 1).abs().max() < 1e-3)
    looks = "rows sum to 1, as probabilities do" if is_distribution else "no probabilities"
    return f"soft, {_described(made.labels)}; {looks}"


def _range(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _guessed_layout(images: Tensor) -> str:
    last, first = images.shape[3], images.shape[1]
    if (first in (1, 3)) == (last in (1, 3)):
        return "unclear"
    return "NCHW" if first in (1, 3) else "NHWC"
