"""The contract of a dataset: where its bytes come from, and nothing about how they are used."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from ..settings import Settings

Split = Literal["train", "test"]


@dataclass
class DatasetSettings(Settings):
    """Settings of a dataset; most have none."""


class DatasetSource(ABC):
    """A labelled image set with a training and a test split.

    The harness calls `check` before any long work and `load` once for each split it needs; the
    test split is asked for only when a finished distilled set is scored.
    """

    version: ClassVar[int] = 1
    """Raised when what `load` returns changes."""

    Settings: ClassVar[type[DatasetSettings]] = DatasetSettings

    title: ClassVar[str]
    channels: ClassVar[int]
    resolution: ClassVar[int]
    """Height and width in pixels."""
    class_names: ClassVar[tuple[str, ...]]
    train_size: ClassVar[int]
    test_size: ClassVar[int]
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
    def load(self, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (N, C, H, W) as uint8 and class ids (N,) in 0..classes-1, in a fixed order."""
