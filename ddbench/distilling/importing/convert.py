"""Converting an imported set to a distilled set of ddbench, in the input space of its students."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from ...data.dataset import Dataset
from ...data.input_space import InputSpace, input_space_definition
from ...data.statistics import Statistics, per_channel
from ...errors import UserError
from ...training.recipe import TrainingRecipe
from ..distilled_set import DistilledSet
from .checks import label_warnings, name_warnings, pixel_warnings
from .choice import Family, ImportChoice, missing
from .importer import ImportedSet
from .labels import class_positions, ids_of_folders, resolved_ids
from .recognising import read_set
from .source import Source

PIXELS = {"pixels": 1.0, "pixels255": 255.0}
"""The value of white in each space."""


@dataclass
class Import:
    """The result of an import.

    Args:
        distilled: the set.
        importer: name of the importer that read it.
        recorded: accuracies in [0, 1] that the authors left in the file, by network.
        notes: what the user should know, one line each.
    """

    distilled: DistilledSet
    importer: str
    recorded: dict[str, list[float]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def import_set(
    given: object,
    choice: ImportChoice,
    dataset: Dataset,
    family: Family | None = None,
    space: InputSpace | None = None,
) -> Import:
    """Read a released set and convert it to the input space that its students see.

    Args:
        given: a file, a folder, (images, labels) or a torch Dataset; or one of these as `Source`.
        choice: the facts that the file does not state.
        dataset: the dataset that the set was distilled from.
        family: the family of the set, if known.
        space: an input space that is already fitted.

    Raises:
        UserError: if the set cannot be read, or facts are missing; one line names all of them.
    """
    source = given if isinstance(given, Source) else Source(given)
    known = choice.over(family.facts) if family else choice
    number = known.number
    name, made = read_set(source, -1 if number is None else number)
    if made.finished is not None:
        return _finished(made.finished, name, dataset, source)
    known = _with_what_the_file_says(known, made, dataset, source)
    asked = [option for option in (family.asks if family else ()) if not getattr(known, option)]
    _check_nothing_is_missing(known, made, asked, source)
    assert known.input_space is not None

    images = made.images if known.layout == "NCHW" else made.images.permute(0, 3, 1, 2)
    _check_shape(images, dataset, source)
    soft = made.labels if made.labels is not None and made.labels.ndim == 2 else None
    if soft is not None and soft.shape[1] != dataset.classes:
        raise UserError(
            f"{source}: labels of {soft.shape[1]} classes, but {dataset.name} has {dataset.classes}"
        )
    if made.folders:
        ids = ids_of_folders(made.folders, dataset.class_names, str(source))
    else:
        ids = resolved_ids(made, known.ids, dataset.classes, str(source))
    notes = [
        *made.notes,
        *(name_warnings(source.path.name, images, dataset.name) if source.path else []),
        *pixel_warnings(images, known.input_space),
        *label_warnings(ids, dataset.classes, soft),
    ]
    if made.sets > 1:
        notes.append(f"it holds {made.sets} sets; using which={(number or 0) % made.sets}")
    if (known.class_order or "dataset") != "dataset":
        positions = class_positions(str(known.class_order), dataset.class_names)
        ids = positions[ids]
        soft = None if soft is None else torch.empty_like(soft).index_copy_(1, positions, soft)
    target, images, note = _in_space(images, known, dataset)
    evaluation = family.evaluation_of(len(images)) if family else None
    if family and evaluation is None:
        notes.append(
            f"how the authors of {family.name} score {len(images)} images of {dataset.name} is not "
            "known here: protocol paper will skip it"
        )
    distilled = DistilledSet.from_tensors(
        images,
        ids,
        dataset=dataset,
        input_space=target,
        space=space if space is not None and space.name == target else None,
        soft_labels=soft,
        soft_label_kind=None if soft is None else known.label_kind,
        learned_rate=known.learned_rate,
        tile_factor=known.tiles or 1,
        evaluation=TrainingRecipe.from_plain(evaluation) if evaluation else None,
        student=family.student if family and evaluation else None,
        provenance=_provenance(source, name, known, family, made),
    )
    return Import(distilled, name, made.recorded, notes + ([note] if note else []))


def _with_what_the_file_says(
    known: ImportChoice, made: ImportedSet, dataset: Dataset, source: Source
) -> ImportChoice:
    """The choice with the file's own facts, which must not be contradicted."""
    says = ImportChoice(
        input_space="pixels255" if made.images.dtype == torch.uint8 else made.input_space,
        layout=made.layout or _layout(made.images, dataset),
        label_kind=made.label_kind,
        tiles=made.tiles,
        learned_rate=made.learned_rate,
    )
    for name, value in vars(says).items():
        given = getattr(known, name)
        if value is not None and given is not None and given != value:
            raise UserError(f"{source}: {name}={given}: the file says {value}")
    return says.over(known)


def _layout(images: Tensor, dataset: Dataset) -> str | None:
    """The layout in which images have the dataset's shape, if it is unambiguous."""
    side, channels = dataset.resolution, dataset.channels
    shape = tuple(images.shape[1:])
    fitting = [
        name
        for name, wanted in (("NCHW", (channels, side, side)), ("NHWC", (side, side, channels)))
        if shape == wanted
    ]
    if not fitting:
        # Raised now: no option would make the images fit.
        raise UserError(
            f"the images have shape {shape}, but those of {dataset.name} {(channels, side, side)}"
        )
    return fitting[0] if len(fitting) == 1 else None


def _check_nothing_is_missing(
    known: ImportChoice, made: ImportedSet, asked: list[str], source: Source
) -> None:
    wanted = [name for name in ("input_space", "layout") if getattr(known, name) is None]
    if made.sets > 1 and known.which is None:
        wanted.append("which")
    has_soft = made.labels is not None and made.labels.ndim == 2
    if has_soft and known.label_kind is None:
        wanted.append("label_kind")
    if (
        known.ids is None
        and not made.folders
        and made.ids is None
        and (has_soft or made.labels is None)
    ):
        wanted.append("ids")
    wanted += [name for name in asked if name not in wanted]
    if wanted:
        raise missing(wanted, str(source))


def _check_shape(images: Tensor, dataset: Dataset, source: Source) -> None:
    shape = (dataset.channels, dataset.resolution, dataset.resolution)
    if tuple(images.shape[1:]) != shape:
        raise UserError(
            f"{source}: images of shape {tuple(images.shape[1:])}, but those of {dataset.name} "
            f"have {shape}"
        )


def _in_space(
    images: Tensor, known: ImportChoice, dataset: Dataset
) -> tuple[str, Tensor, str | None]:
    """Name of the students' input space, the images in it, and a note on their conversion."""
    stored = known.input_space or ""
    if stored not in PIXELS:
        return _own_name(stored, dataset), images, None
    target = _own_name(known.students_see or "normalised", dataset)
    if input_space_definition(target)["name"] != "normalised":
        raise UserError(f"students_see={target}: pixels are brought to a normalised space only")
    if images.dtype == torch.uint8:
        return target, images, f"pixels are scored in the input space {target}"
    mean, std = statistics_in(target, dataset)
    shift, scale = (torch.tensor(part, dtype=torch.float64).view(-1, 1, 1) for part in (mean, std))
    made = (images.double() / PIXELS[stored] - shift) / scale
    return target, made.float(), f"pixels are scored in the input space {target}"


def statistics_in(space: str, dataset: Dataset) -> Statistics:
    """Means and standard deviations of a normalised space; by default the dataset's own."""
    definition = input_space_definition(space)
    if "mean" in definition:
        return per_channel((tuple(definition["mean"]), tuple(definition["std"])), dataset.channels)
    source = dataset.source
    if source.mean is not None and source.std is not None:
        return source.mean, source.std
    from ...data.fit_input_space import fit_input_space

    return fit_input_space(space, dataset.train.images, None, None).channel_statistics()


def _own_name(space: str, dataset: Dataset) -> str:
    """The space's shortest name: `normalised` if its statistics are the dataset's own.

    Other statistics are kept: the authors' students used them, so the control must too.
    """
    definition = input_space_definition(space)
    if "mean" in definition:
        said = per_channel((tuple(definition["mean"]), tuple(definition["std"])), dataset.channels)
        if said == (dataset.source.mean, dataset.source.std):
            return "normalised"
    return space


def _finished(distilled: DistilledSet, name: str, dataset: Dataset, source: Source) -> Import:
    """Import a file of ddbench, which states everything itself."""
    if distilled.dataset != dataset.name:
        raise UserError(f"{source}: dataset={dataset.name}: the file says {distilled.dataset}")
    return Import(distilled, name)


def _provenance(
    source: Source, name: str, known: ImportChoice, family: Family | None, made: ImportedSet
) -> dict[str, object]:
    """The origin of the set, as small plain JSON."""
    said = {option: value for option, value in vars(known).items() if value is not None}
    found: dict[str, object] = {
        "made": "elsewhere",
        "importer": name,
        "family": family.name if family else None,
        "file": source.path.name if source.path else None,
        "said": said,
    }
    if made.sets > 1:
        found["set"] = (known.number or 0) % made.sets
    if made.recorded:
        found["recorded_accuracies"] = made.recorded
    return found
