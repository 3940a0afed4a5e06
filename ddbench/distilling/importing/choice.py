"""Facts about a released set: those that the user states, and those of its family."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from typing import Any

from ...errors import UserError, shortened, unknown_name
from ...models.spec import ModelSpec
from ...plugins.presets import preset, preset_names

GROUP = "import"
INPUT_SPACES = (
    "pixels (0 to 1)", "pixels255", "normalised (by the dataset's own mean and std)",
    "normalised:NAME", "normalised:M,M,M/S,S,S", "zca", "zca_relative", "zca_per_image",
)  # fmt: skip
POSSIBLE = {
    "dataset": "a name of `ddbench list datasets`",
    "input_space": ", ".join(INPUT_SPACES),
    "layout": "NCHW or NHWC",
    "label_kind": "logits, probabilities or targets (of a regression)",
    "ids": "argmax (of the soft labels) or blocks (equal blocks, one per class, in class order)",
    "class_order": "dataset, text (ids number the class numbers sorted as text), or NAME,NAME,...",
    "which": "the number of one set, counted from 0, or last",
    "tiles": "the decoder's factor, such as 2; 1 where images are whole",
    "learned_rate": "a learning rate of students, such as 0.02",
    "students_see": "normalised, normalised:NAME or normalised:pixels",
}
"""The options, with their possible values."""


@dataclass(frozen=True)
class ImportChoice:
    """Facts about a released set that its file may not state; None: not stated.

    Args:
        dataset: name of the dataset that the set was distilled from.
        input_space: the input space of the stored values: see `INPUT_SPACES`.
        layout: "NCHW" or "NHWC".
        label_kind: "logits", "probabilities" or "targets".
        ids: where class ids come from if the file has none: "argmax" or "blocks".
        class_order: the class of each id: "dataset", "text", or class names in order.
        which: which of several sets, an index from 0 or "last".
        tiles: factor of the decoder, which cuts each stored image into factor^2 images.
        learned_rate: learning rate of students.
        students_see: the input space that pixels are converted to; "normalised" by default.
    """

    dataset: str | None = None
    input_space: str | None = None
    layout: str | None = None
    label_kind: str | None = None
    ids: str | None = None
    class_order: str | None = None
    which: str | None = None
    tiles: int | None = None
    learned_rate: float | None = None
    students_see: str | None = None

    def __post_init__(self) -> None:
        _one_of("layout", self.layout, ("NCHW", "NHWC"))
        _one_of("label_kind", self.label_kind, ("logits", "probabilities", "targets"))
        _one_of("ids", self.ids, ("argmax", "blocks"))
        if self.which is not None and self.which != "last" and not str(self.which).isdecimal():
            raise UserError(f"which={shortened(self.which)}: give {POSSIBLE['which']}")
        if self.tiles is not None and not 1 <= self.tiles <= 16:
            raise UserError(f"tiles={self.tiles}: give a factor of 1 to 16")
        if self.input_space == "unknown":
            raise UserError(
                "input_space=unknown: a set cannot be scored in a space that nobody knows; "
                "`ddbench inspect FILE picture=FILE.png` draws it under each"
            )

    def over(self, other: ImportChoice) -> ImportChoice:
        """This choice, with another's facts where this one states nothing."""
        said = {name: value for name, value in vars(self).items() if value is not None}
        return replace(other, **said)

    @property
    def number(self) -> int | None:
        """`which` as an index; -1 for "last"."""
        return None if self.which is None else -1 if self.which == "last" else int(self.which)


OPTIONS = tuple(item.name for item in fields(ImportChoice))


@dataclass(frozen=True)
class Family:
    """What the sets of one family have in common: `configs/import/NAME.yaml`.

    Args:
        name: the family's name.
        facts: the facts that hold for all of its sets.
        sources: where each fact is from.
        asks: options that the user must give for every file of the family.
        evaluation: how the authors train students, in the form of `TrainingRecipe.plain`, if it
            can be expressed in this form.
        by_images: the part of it that depends on the number of stored images; if given, a set
            with a number not listed has no evaluation.
        student: the network that the authors train, if it is not the usual ConvNet.
    """

    name: str
    facts: ImportChoice
    sources: dict[str, str]
    asks: tuple[str, ...] = ()
    evaluation: dict[str, Any] | None = None
    by_images: dict[int, dict[str, Any]] = field(default_factory=dict)
    student: ModelSpec | None = None

    def evaluation_of(self, images: int) -> dict[str, Any] | None:
        """The evaluation of a set with this many stored images; None if none is published."""
        if self.evaluation is None or (self.by_images and images not in self.by_images):
            return None
        return {**self.evaluation, **self.by_images.get(images, {})}


def family(name: str, dataset: str | None = None) -> Family:
    """A family's facts, for one dataset if they depend on it.

    Raises:
        UserError: for an unknown family, or a malformed file.
    """
    if name not in preset_names(GROUP):
        raise unknown_name("family", name, preset_names(GROUP))
    entries = dict(preset(GROUP, name))
    asks, student = tuple(entries.pop("asks", ())), entries.pop("student", None)
    evaluation = _for_dataset(entries.pop("evaluation", {}), dataset)
    facts, sources = {}, {}
    for option, entry in entries.items():
        chosen = _for_dataset(entry, dataset)
        if option not in OPTIONS or "source" not in chosen:
            raise UserError(f"the family {name!r}: {option} is not an option, or has no source")
        facts[option], sources[option] = chosen.get("value"), chosen["source"]
    if evaluation:
        sources["evaluation"] = evaluation["source"]
    return Family(
        name,
        ImportChoice(**facts),
        sources,
        asks,
        evaluation.get("value"),
        evaluation.get("by_images", {}),
        ModelSpec(**student) if student else None,
    )


def _for_dataset(entry: dict[str, Any], dataset: str | None) -> dict[str, Any]:
    """An entry in which the values for one dataset replace the general ones."""
    return {**entry, **entry.get("datasets", {}).get(dataset, {})}


def choice_from_text(options: dict[str, str]) -> ImportChoice:
    """The facts given on a command line as NAME=VALUE.

    Raises:
        UserError: for an impossible value.
    """
    values: dict[str, Any] = {name: options[name] for name in OPTIONS if name in options}
    for name, kind in (("tiles", int), ("learned_rate", float)):
        if name in values:
            try:
                values[name] = kind(values[name])
            except ValueError:
                raise UserError(
                    f"{name}={shortened(values[name])}: give {POSSIBLE[name]}"
                ) from None
    return ImportChoice(**values)


def missing(names: list[str], where: str) -> UserError:
    """A one-line error that asks for all missing facts and lists their possible values."""
    wanted = "; ".join(f"{name}= {POSSIBLE[name]}" for name in names)
    known = ", ".join(preset_names(GROUP))
    return UserError(f"{where} does not say; give {wanted}; or like=FAMILY ({known})")


def _one_of(name: str, value: str | None, known: tuple[str, ...]) -> None:
    if value is not None and value not in known:
        raise UserError(f"{name}={shortened(value)}: give {' or '.join(known)}")
