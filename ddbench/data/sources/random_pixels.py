"""Random pixels of any shape, to measure a method's cost without having the data.

The classes are indistinguishable, so accuracies are at chance level: measure memory and time.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...plugins.settings import setting
from ..source import DatasetSettings, DatasetSource, Split

SEEDS: dict[Split, int] = {"train": 1, "test": 2}
MOST_BYTES = 2**36


class RandomPixels(DatasetSource):
    """Independent uniform bytes from NumPy's PCG64; equal settings give equal images.

    The shape of ImageNet64 at ipc 50: `dataset.resolution=64 dataset.classes=1000
    dataset.images=50`, whose images take 614 MB.
    """

    @dataclass
    class Settings(DatasetSettings):
        """The shape of the data."""

        resolution: int = setting(32, "height and width in pixels", low=1, high=1024)
        channels: int = setting(3, "values per pixel", low=1, high=16)
        classes: int = setting(10, "number of classes", low=2, high=100_000)
        images: int = setting(
            50, "training images per class; there are a tenth as many test images", low=1
        )

    settings: Settings

    version = 1
    title = "Random pixels"
    channels = 3
    resolution = 32
    class_names = tuple(f"class {number}" for number in range(10))
    train_size = 500
    test_size = 50

    def __init__(self, settings: DatasetSettings, root: Path) -> None:
        super().__init__(settings, root)
        self.channels, self.resolution = self.settings.channels, self.settings.resolution

    def check(self) -> None:
        """Take the sizes from the settings.

        Raises:
            UserError: for more images than a large machine can hold.
        """
        given = self.settings
        self.class_names = tuple(f"class {number}" for number in range(given.classes))
        self.train_size = given.images * given.classes
        self.test_size = max(1, given.images // 10) * given.classes
        weight = self.train_size * given.channels * given.resolution**2
        if weight > MOST_BYTES:
            raise UserError(
                f"dataset random_pixels: images of {weight:,} bytes are asked for; "
                f"take fewer classes, or fewer or smaller images ({MOST_BYTES:,} bytes at most)"
            )

    def load(self, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (N, channels, resolution, resolution) and class ids, ordered by class."""
        size = self.train_size if split == "train" else self.test_size
        generator = np.random.Generator(np.random.PCG64(SEEDS[split]))
        shape = (size, self.channels, self.resolution, self.resolution)
        images = generator.integers(0, 256, shape, dtype=np.uint8)
        classes = len(self.class_names)
        return images, np.repeat(np.arange(classes, dtype=np.int64), size // classes)
