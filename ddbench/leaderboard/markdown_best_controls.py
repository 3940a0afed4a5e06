"""The page of what images add beyond real images and labels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby

from ..records.report import NOT_MEASURED
from ..records.statistics import FEWEST_SEEDS
from .aggregates import FEWEST_CELLS
from .best_controls import Improvement
from .entries import Setting, Variant
from .labels import (
    best_control_label,
    labels_head,
    model_and_budget_title,
    setting_title,
    variant_label,
    warning,
)
from .markdown_text import (
    Labels,
    Marks,
    as_page,
    bullets,
    percent,
    safe,
    tables,
    wrapped,
)
from .mean_improvements import Grid, MeanImprovement, ModelAndBudget

TITLE = "What images add beyond real images and labels"
IMPROVEMENTS_LEGEND = (
    "The accuracy of the method minus that of the best control, in points, with 95% t intervals. A "
    "control is a set of real images, as they are or cropped and shrunk, that takes at most as "
    "many bytes as the method's set, labels included; it may have another ipc. Differences are "
    "paired as on the boards. The best control is the one with the highest mean test accuracy, "
    "which favours it: on average the improvement is understated, not overstated. It is the best "
    "of those that were scored there, and their number is given: an improvement over the only one "
    "says little. `any labels` is the method under its best protocol, chosen in the same way, "
    "minus the best control under any of the same protocols. Under `paper`, labels differ by "
    "design: a method's images have the labels that it makes for them, if it makes any, and a "
    "control has its own, mostly class ids. A star means no verdict, because the method or the "
    f"control has fewer than {FEWEST_SEEDS} seeds (such a control is shown only if there is no "
    "other), or because no control that takes more than half of the bytes was scored. Each "
    "interval is for a single comparison, without a correction for their number."
)
MEANS_LEGEND = (
    "Means over cells; a cell is one ipc of one dataset, and only cells with a verdict count. The "
    "interval is by resampling cells with replacement (95%, from "
    f"{FEWEST_CELLS} cells on): it shows how much depends on these cells. 2/1/0: the improvement's "
    "own interval is above 0 in two cells, includes 0 in one, and is below 0 in none. Compare the "
    "means of two methods only if they have the same cells."
)


def mean_text(one: MeanImprovement) -> str:
    """The mean with its interval, in points, such as "+3.2 (-1.0 to 7.4)"."""
    told = percent_of(one.mean)
    if one.interval is None:
        return told
    low, high = map(percent_of, one.interval)
    return f"{told} ({low} to {high})"


def counts_text(one: MeanImprovement) -> str:
    """In how many cells it is above, not distinguishable and below, such as "2/1/0"."""
    return f"{one.above}/{one.alike}/{one.below}"


def percent_of(fraction: float) -> str:
    """A difference in points, with its sign."""
    return f"{round(100 * fraction, 1) + 0.0:+.1f}"


def best_controls_page(
    found: Mapping[Setting, Sequence[Improvement]],
    means: Mapping[ModelAndBudget, Sequence[MeanImprovement]],
    pictures: Mapping[ModelAndBudget, str],
) -> str:
    """One table over cells for each model and budget, then one for each setting and ipc.

    Args:
        found: improvements by setting, sorted by ipc and method.
        means: their means over cells.
        pictures: the paths of pictures from the page.
    """
    parts = [f"# {TITLE}", wrapped(IMPROVEMENTS_LEGEND), "## Over datasets and ipc"]
    parts.append(wrapped(MEANS_LEGEND))
    if not means:
        parts.append("No method has three seeds beside a control that has three, either.")
    for alike, own in means.items():
        parts.append(f"### {safe(model_and_budget_title(alike))}")
        parts += [*filter(None, [warning(alike)]), f"![mean improvements]({pictures[alike]})"]
        parts += _over_cells(Grid.of(own))
    for setting, improvements in found.items():
        if any(one.control for one in improvements):
            parts.append(f"## {safe(setting_title(setting))}")
            parts += filter(None, [warning(setting)])
            for ipc, same in groupby(improvements, key=lambda one: one.own.ipc):
                parts += [f"**ipc {ipc}**", *_cell(list(same))]
    without = [
        setting_title(setting)
        for setting, improvements in found.items()
        if not any(one.control for one in improvements)
    ]
    if without:
        parts += ["## Without a control", *bullets(without)]
    return as_page(parts)


def _over_cells(grid: Grid) -> list[str]:
    labels = Labels()
    rows = [
        [
            labels(variant_label(variant)),
            *(
                f"{mean_text(one)} {counts_text(one)}" if one else ""
                for one in (grid.places.get((variant, protocol)) for protocol in grid.protocols)
            ),
        ]
        for variant in grid.variants
    ]
    return [*tables(rows, ["method", *map(labels_head, grid.protocols)]), *labels.legend()]


def _cell(improvements: Sequence[Improvement]) -> list[str]:
    """The methods of one setting and ipc."""
    labels, marks = Labels(), Marks()
    rows: dict[Variant, dict[str, str]] = {}
    protocols = sorted({one.protocol for one in improvements if one.protocol})
    heads = list(map(labels_head, [*protocols, None]))
    for one in improvements:
        mark = marks(best_control_label(one))
        told = NOT_MEASURED if one.difference is None else percent(one.difference, sign=True)
        star = "*" if one.difference is not None and one.relation is None else ""
        rows.setdefault(one.own.variant, {})[labels_head(one.protocol)] = f"{told} {mark}{star}"
    cells = [
        [labels(variant_label(variant)), *(own.get(head, "") for head in heads)]
        for variant, own in rows.items()
    ]
    return [*tables(cells, ["method", *heads]), *marks.legend(), *labels.legend()]
