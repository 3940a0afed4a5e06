"""The contract of a dataset: where its data come from, but not how they are used."""

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

    A dataset for which `classes` means something else overrides this field.
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
        """The selected classes, as `listed` returns them; None for all."""
        found: str | list[str] = self.classes if self._has_named_classes else []
        return found or None

    @property
    def _has_named_classes(self) -> bool:
        return type(self).__dataclass_fields__["classes"] is _CLASSES

    def name_given(self) -> str | None:
        """The user's name for the data; boards show it instead of the dataset's name."""
        return None

    def places(self) -> dict[str, Any]:
        """The settings that say where files are, in plain types; see `setting`."""
        places = {item.name for item in dataclasses.fields(self) if item.metadata.get("place")}
        return {name: value for name, value in self.plain().items() if name in places}


_CLASSES = DatasetSettings.__dataclass_fields__["classes"]


@dataclass
class NamedSettings(DatasetSettings):
    """Settings of a dataset that reads the user's own data."""

    called: str = setting(
        "", "name of the data, for boards and folders, such as flowers", left_out_at_default=True
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        problem = name_problem(self.called) if self.called else None
        if problem:
            raise UserError(f"called={shown(self.called)}: {problem}")

    def name_given(self) -> str | None:
        """The name in `called`, or None."""
        return self.called or None


class DatasetSource(ABC):
    """A labelled image set with a training and a test split.

    The harness calls `check` before any long work and `load` once for each split it needs; the
    test split is asked for only when a finished distilled set is scored.
    """

    version: ClassVar[int] = 1
    """Incremented when what `load` returns changes."""

    Settings: ClassVar[type[DatasetSettings]] = DatasetSettings

    title: ClassVar[str]
    # Attributes that depend on files or settings may be set on the instance, by `check` at the
    # latest; the class's values then describe the published data set.
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
        """Take the dataset's settings and `root`, the folder that holds all datasets' files."""
        self.settings = settings
        self.root = root

    @abstractmethod
    def check(self) -> None:
        """Make sure that all files are present and undamaged.

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
        """Numbers of unused files among those of a split, by split and reason.

        Called after `check`; empty if the whole data set is used.
        """
        return {}

    def notes(self) -> list[str]:
        """Lines for the log on what is used and what is not. Called after `check`."""
        return []

    def fingerprint(self, split: Split) -> str | None:
        """A string that identifies a split's pixels and labels in the keys of derived products.

        None, the default: they are hashed at every start, about a second per gigabyte. A source
        too large for that returns a string that depends on its content alone, not on its files,
        their times or their locations. Called after `load`.
        """
        return None
