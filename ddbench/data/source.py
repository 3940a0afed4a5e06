"""The contract of a dataset: where its bytes come from, and nothing about how they are used."""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ..errors import UserError, shown
from ..plugins.registry import name_problem
from ..plugins.settings import Settings, setting
from .named_classes import listed
from .pixels import PartedImages

Split = Literal["train", "test"]


@dataclass
class DatasetSettings(Settings):
    """Settings of a dataset; most have none of their own.

    A dataset to which `classes` means something else has a field of its own in its place.
    """

    classes: Any = setting(
        [],
        "only these: [NAME,…] by name or WordNet id, a file with one in each line, imagenette or "
        "imagewoof",
        left_out_at_default=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self._has_named_classes:
            self.classes = listed(self.classes)

    @property
    def named_classes(self) -> str | list[str] | None:
        """The classes that alone are used, as `listed` returns them; None for all."""
        found: str | list[str] = self.classes if self._has_named_classes else []
        return found or None

    @property
    def _has_named_classes(self) -> bool:
        return type(self).__dataclass_fields__["classes"] is _CLASSES

    def name_given(self) -> str | None:
        """What a person calls the data; boards have this name in place of the dataset's."""
        return None

    def places(self) -> dict[str, Any]:
        """The settings that say where files lie, in plain types; see `setting`."""
        places = {item.name for item in dataclasses.fields(self) if item.metadata.get("place")}
        return {name: value for name, value in self.plain().items() if name in places}


_CLASSES = DatasetSettings.__dataclass_fields__["classes"]


@dataclass
class NamedSettings(DatasetSettings):
    """Settings of a dataset that reads data of one's own."""

    called: str = setting(
        "", "name of the data, for boards and folders, such as flowers", left_out_at_default=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        problem = name_problem(self.called) if self.called else None
        if problem:
            raise UserError(f"called={shown(self.called)}: {problem}")

    def name_given(self) -> str | None:
        """As said."""
        return self.called or None


class DatasetSource(ABC):
    """A labelled image set with a training and a test split.

    The harness calls `check` before any long work and `load` once for each split it needs; the
    test split is asked for only when a finished distilled set is scored.
    """

    version: ClassVar[int] = 1
    """Raised when what `load` returns changes."""

    Settings: ClassVar[type[DatasetSettings]] = DatasetSettings

    title: ClassVar[str]
    # What depends on a source's files or settings may be set on the instance, at the latest by
    # `check`; the values of the class then describe the published data set.
    channels: int
    resolution: int
    """Height and width in pixels."""
    class_names: tuple[str, ...]
    wnids: tuple[str, ...] | None = None
    """WordNet ids of the classes, in the order of `class_names`, where they are known."""
    train_size: int
    test_size: int
    mean: ClassVar[tuple[float, ...] | None] = None
    """Published mean of each channel in [0, 1]; None: computed from the training images."""
    std: ClassVar[tuple[float, ...] | None] = None

    def __init__(self, settings: DatasetSettings, root: Path) -> None:
        """Args: settings of the dataset; root: the folder that holds all datasets' files."""
        self.settings = settings
        self.root = root

    @abstractmethod
    def check(self) -> None:
        """Make sure that all files are there and whole.

        Raises:
            UserError: one line: what is missing or damaged, where it was looked for, how to get it.
        """

    def prepare(self) -> str:
        """Fetch or convert the files and return one line saying where they are.

        Raises:
            UserError: one line on why it failed and how to do it by hand.
        """
        self.check()
        return f"{self.title} comes with an installed package; nothing to prepare"

    @abstractmethod
    def load(self, split: Split) -> tuple[NDArray[np.uint8] | PartedImages, NDArray[np.int64]]:
        """Images (N, C, H, W) as uint8 and class ids (N,) in 0..classes-1, in a fixed order.

        Images that do not fit in memory are memory-mapped: one array, or `PartedImages`.
        """

    def left_out(self) -> dict[str, dict[str, int]]:
        """Numbers of files that lie among those of a split and are not used, by split and reason.

        Called after `check`; empty where a data set is used whole.
        """
        return {}

    def notes(self) -> list[str]:
        """Lines for the log on what is used and what is not. Called after `check`."""
        return []

    def fingerprint(self, split: Split) -> str | None:
        """What stands for the pixels and labels of a split in the keys of what is made from them.

        None, the default: they are hashed at every start, about a second for a gigabyte. A source
        too large for that returns a string that its content determines, whatever files it lies
        in and whatever their times and places. Called after `load`.
        """
        return None
