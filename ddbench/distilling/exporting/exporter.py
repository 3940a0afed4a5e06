"""The contract of an exporter: a format of distilled sets that other programs read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...data.input_space import InputSpace
from ..distilled_set import DistilledSet

ALL = frozenset({"soft_labels", "ids", "learned_rate", "tiles"})
"""What a set may have besides its images, and a format may be unable to store.

Only ddbench's own format stores the input space; pixels need none.
"""


class Exporter(ABC):
    """An export format, which reports what it cannot store."""

    keeps: ClassVar[frozenset[str]] = frozenset()
    """The members of `ALL` that the format stores."""

    is_pixels: ClassVar[bool] = False
    """Whether images are written as 8-bit pixels, converted back from the input space."""

    suffix: ClassVar[str] = ""
    """Suffix of the file; empty if the format is a folder."""

    def lost(self, distilled: DistilledSet) -> list[str]:
        """The parts of this set that the format cannot store."""
        there = {
            "soft_labels": distilled.soft_labels is not None,
            # Every format stores class ids alone; not every one stores them beside soft labels.
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
            pixels: its images (N, H, W, C) if `is_pixels`, else None.
            target: the file or empty folder to write to.
        """


def pixels_of(distilled: DistilledSet, space: InputSpace) -> NDArray[np.uint8]:
    """The stored images as 8-bit pixels, (N, H, W, C), rounded to the nearest level (0 to 255)."""
    levels: NDArray[np.uint8] = space.pixels(distilled.images).permute(0, 2, 3, 1).numpy()
    return levels
