"""The parts of a record."""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from .cost import Peak, PhaseCost, Stage
from .fields import (
    Accuracy,
    Amount,
    Count,
    ExtendedFacts,
    Facts,
    Fraction,
    Hash,
    Line,
    Name,
    Plain,
    Positive,
    Sha256,
    Share,
    Space,
    Text,
    Truth,
)
from .units import images_per_class

GIVEN = "given"
"""The source of a value that the user gave."""


class SettingFacts(Facts):
    """A value with its source: "default", a recipe with its citation, or "given"."""

    value: Plain
    source: Text


class MethodFacts(Facts):
    """A method as it was run."""

    name: Name
    version: Count
    settings: dict[Name, SettingFacts]

    @property
    def values(self) -> dict[str, Any]:
        """The values of all settings, by name."""
        return {name: setting.value for name, setting in self.settings.items()}

    @property
    def given(self) -> dict[str, Any]:
        """The values that the user gave, by name."""
        return {
            name: setting.value
            for name, setting in self.settings.items()
            if setting.source == GIVEN
        }


class OriginFacts(Facts):
    """The origin of a set that was made elsewhere and is only scored here.

    Attributes:
        made: marks such a set.
        name: name of the set, shown next to its control: its family, the method that its file
            names, or "file".
        source: name of the file or folder, with the index of the set if it holds several; "" for
            objects in memory.
        family: the family whose layout the file has, if stated.
        recorded: accuracies in [0, 1] that the authors' own code left in the file, one per
            network, by the name of the architecture.
    """

    made: Literal["elsewhere"] = "elsewhere"
    name: Name
    source: Line
    family: Name | None = None
    recorded: dict[Line, tuple[Accuracy, ...]] = Field(default_factory=dict)


class ControlFacts(MethodFacts):
    """The control, with the SHA-256 of its distilled set."""

    distilled: Sha256


class DatasetFacts(ExtendedFacts):
    """A dataset with all of its settings.

    Attributes:
        settings: settings that define the data.
        called: the name that the user gave to data of their own.
        places: settings for the location of the files, which do not define the data.
    """

    LEFT_OUT = frozenset({"called", "places"})

    name: Name
    version: Count
    settings: dict[Name, Plain]
    called: Name | None = None
    places: dict[Name, Plain] | None = None

    @property
    def shown_name(self) -> str:
        """The user's name for the data, or else the dataset's name."""
        return self.called or self.name

    @property
    def all_settings(self) -> dict[str, Any]:
        """All settings by name, as a run takes them."""
        called = {"called": self.called} if self.called else {}
        return {**self.settings, **(self.places or {}), **called}


class ModelFacts(Facts):
    """The network that is trained; `label` is its display name, such as convnet-width32."""

    name: Name
    settings: dict[Name, Plain]
    label: Line


class TaskFacts(ExtendedFacts):
    """What was requested besides the method; fields as in `TaskSpec`.

    A file holds `class_counts` only if classes differ.
    """

    LEFT_OUT = frozenset({"class_counts"})

    dataset: DatasetFacts
    ipc: Positive
    model: ModelFacts
    input_space: Space
    input_space_source: Text
    validation: Share
    seed: Count
    group: Count
    network_seed: Count
    class_counts: tuple[Count, ...] | None = None

    @model_validator(mode="after")
    def _counts_fit(self) -> Self:
        counts = self.class_counts
        if counts is not None and (len(set(counts)) < 2 or max(counts) != self.ipc):
            raise ValueError(f"class_counts must differ, and the largest be ipc={self.ipc}")
        return self

    @property
    def ipc_in_words(self) -> str:
        """Images per class, such as "10", or "1 to 5" if classes differ."""
        return images_per_class(self.class_counts or (self.ipc,))


class BudgetFacts(Facts):
    """A budget's name and values; fields as in `Budget`."""

    name: Name
    distilling: Fraction
    teachers: Fraction
    teacher_steps: Positive
    evaluation: Fraction
    networks: Positive


class ProtocolFacts(Facts):
    """A protocol by its name and version.

    `trial_rate`: a learning rate on trial; `label_epoch`: the epoch given for the teacher of its
    labels.
    """

    name: Name
    version: Count
    trial_rate: Amount | None = None
    label_epoch: Count | None = None

    @property
    def label(self) -> str:
        """Name and version, such as "hard/1", with the values given for it."""
        trial = "" if self.trial_rate is None else f" on trial at {self.trial_rate:g}"
        epoch = "" if self.label_epoch is None else f" at epoch {self.label_epoch}"
        return f"{self.name}/{self.version}{trial}{epoch}"

    def __lt__(self, other: ProtocolFacts) -> bool:
        return self._order < other._order

    @property
    def _order(self) -> tuple[str, int, float, int]:
        return self.name, self.version, self.trial_rate or 0.0, self.label_epoch or 0


class EvaluatorFacts(Facts):
    """A requested evaluator; `skipped`: why it measured nothing, if so."""

    version: Count
    settings: dict[Name, Plain]
    skipped: Text | None = None


class PluginFacts(Facts):
    """The origin of a plugin's code; see `ddbench.plugins.source_code.PluginCode`."""

    kind: Name
    name: Name
    package: Line | None
    version: Line | None
    commit: Hash | None
    modified: Truth | None
    digest: Sha256 | None


class DataFacts(Facts):
    """Hashes of the training images and of the scored images, and the split of the latter."""

    train_hash: Hash
    scored_split: Literal["test", "validation"]
    scored_hash: Hash


class DistilledFacts(ExtendedFacts):
    """The distilled set.

    Attributes:
        key: key of the artefact.
        sha256: SHA-256 of its file.
        file_bytes: size of its file.
        storage_bytes: size of its images and labels.
        selected: whether its images are real ones, unchanged or cropped and shrunk; None if it
            was made elsewhere, and in records of earlier versions.
    """

    LEFT_OUT = frozenset({"selected"})

    key: Hash
    sha256: Sha256
    file_bytes: Count
    storage_bytes: Count
    selected: Truth | None = None


class PhaseCostFacts(Facts):
    """The cost of a phase; see `PhaseCost` for the values and `Phase` for name and stage."""

    phase: Line
    stage: Stage
    wall_seconds: Amount
    resident_peak_bytes: Count
    allocated_peak_bytes: Count | None
    reserved_peak_bytes: Count | None

    @property
    def peak(self) -> Peak | None:
        """The limiting peak, and how it was measured."""
        return PhaseCost(
            self.wall_seconds,
            self.resident_peak_bytes,
            self.allocated_peak_bytes,
            self.reserved_peak_bytes,
        ).peak


class PoolFacts(Facts):
    """A pool of trained networks: their stream, the stage that used them, and their size.

    `epochs` trained and `snapshots` kept per network are given if they are the same for all, and
    with them `trajectory_bytes`: the size if every epoch were kept.
    """

    stream: Name
    stage: Stage
    networks: Count
    bytes: Count
    epochs: Count | None = None
    snapshots: Count | None = None
    trajectory_bytes: Count | None = None


class EnvironmentFacts(Facts, extra="allow"):
    """Machine, packages and revision; fields that readers need are declared, others are extra."""

    __pydantic_extra__: dict[str, Plain] = Field(init=False)

    device_name: Line
    git_dirty: Truth | None = None
    nondeterministic: tuple[Line, ...] = ()
    """Operations, in what this run computed itself, whose results may vary between repetitions."""
