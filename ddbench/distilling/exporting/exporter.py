"""The contract of an exporter: a format in which others take a distilled set."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...data.input_space import InputSpace
from ..distilled_set import DistilledSet

ALL = frozenset({"soft_labels", "ids", "learned_rate", "tiles"})
"""What a set may have beside its images, and a format may have no place for.

The input space has a place in no other format than ddbench's own; pixels need none.
"""


class Exporter(ABC):
    """A format. What it has no place for is said before it is lost."""

    keeps: ClassVar[frozenset[str]] = frozenset()
    """Of `ALL`, what the format has a place for."""

    is_pixels: ClassVar[bool] = False
    """Whether images are written as pixels of 8 bits, brought back from the input space."""

    suffix: ClassVar[str] = ""
    """Of the file; empty where a folder is written."""

    def lost(self, distilled: DistilledSet) -> list[str]:
        """What of this set the format has no place for."""
        there = {
            "soft_labels": distilled.soft_labels is not None,
            # Class ids alone have a place everywhere; beside soft labels they may not.
            "ids": distilled.soft_labels is not None and "soft_labels" in self.keeps,
            "learned_rate": distilled.learned_rate is not None,
            "tiles": distilled.tile_factor > 1,
            "input_space": not self.is_pixels,
        }
        return sorted(
            name for name, is_there in there.items() if is_there and name not in self.keeps
        )

    @abstractmethod
    def write(
        self, distilled: DistilledSet, pixels: NDArray[np.uint8] | None, target: Path
    ) -> None:
        """Write the set.

        Args:
            distilled: the set.
            pixels: its images (N, H, W, C) where `is_pixels`.
            target: the file, or the empty folder, to write to.
        """


def pixels_of(distilled: DistilledSet, space: InputSpace) -> NDArray[np.uint8]:
    """The stored images as pixels of 8 bits, (N, H, W, C): the nearest level, from 0 to 255."""
    levels: NDArray[np.uint8] = space.pixels(distilled.images).permute(0, 2, 3, 1).numpy()
    return levels
