"""Stripes of four directions: a dataset that is drawn and needs no files."""

import numpy as np
from numpy.typing import NDArray

from ddbench import DatasetSource

SIDE, OF_A_CLASS = 16, {"train": 20, "test": 5}


class Stripes(DatasetSource):
    """Grey waves, one class for each direction."""

    title = "Stripes"
    channels = 1
    resolution = SIDE
    class_names = ("across", "down", "rising", "falling")
    train_size = 4 * OF_A_CLASS["train"]
    test_size = 4 * OF_A_CLASS["test"]

    def check(self) -> None:
        """There is nothing to miss."""

    def load(self, split: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        rows, columns = np.mgrid[:SIDE, :SIDE]
        directions = (rows, columns, rows + columns, rows - columns)
        count = OF_A_CLASS[split]
        phases = np.random.default_rng(len(split)).uniform(0, 6, (4, count, 1, 1, 1))
        waves = [np.sin(0.8 * direction + phases[i]) for i, direction in enumerate(directions)]
        images = np.concatenate(waves) * 127 + 128
        return images.astype(np.uint8), np.repeat(np.arange(4), count)
