"""ImageNet-1K: photographs of 1,000 kinds of things, resized to a chosen resolution.

J. Deng, W. Dong, R. Socher, L.-J. Li, K. Li and L. Fei-Fei, "ImageNet: A Large-Scale Hierarchical
Image Database", CVPR 2009, as in the challenge of 2012. It is read from DATA_ROOT/imagenet, which
has `train/` and `val/`; see `_imagenet_files`. The validation images are the test split.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...plugins.settings import setting
from ...store.files import digest
from ..formats.conversion import FOLDER, Conversion
from ..formats.decoding import Filter
from ..formats.image_files import DecodedFiles, Found, used_and_left_out
from ..named_classes import class_ids
from ..source import DatasetSettings, DatasetSource, Split
from ._imagenet_files import (
    MEAN,
    STD,
    TEST_SIZE,
    TRAIN_SIZE,
    ImageNetFiles,
    class_names,
    published_wnids,
)


class ImageNet(DatasetSource):
    """1,281,167 training and 50,000 validation images; the largest square in the middle of each.

    Classes are in the order of their WordNet ids, as in image-folder loaders. Only images of the
    selected classes are decoded.
    """

    @dataclass
    class Settings(DatasetSettings):
        resolution: int = setting(
            224, "height and width in pixels after cropping", low=1, high=1024
        )
        filter: Filter = setting(Filter.bicubic, "filter for resizing")

    settings: ImageNet.Settings

    version = 1
    title = "ImageNet"
    channels = 3
    resolution = 224
    class_names = published_wnids() or tuple(f"{number:04}" for number in range(1, 1001))
    wnids = class_names
    train_size, test_size = TRAIN_SIZE, TEST_SIZE
    mean, std = MEAN, STD

    def __init__(self, settings: DatasetSettings, root: Path) -> None:
        super().__init__(settings, root)
        self.resolution = self.settings.resolution
        self.files = ImageNetFiles(root.absolute() / "imagenet")

    def check(self) -> None:
        self.wnids = self._used
        self.class_names = class_names(self._used)
        self.train_size = len(self._splits["train"].files)
        self.test_size = len(self._splits["test"].files)

    def load(self, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images and classes: training by class and name, validation by name."""
        return self._splits[split].load()

    def fingerprint(self, split: Split) -> str | None:
        return self._splits[split].fingerprint()

    def prepare(self) -> str:
        """Decode all images that are used."""
        self.check()
        for files in self._splits.values():
            files.convert()
            files.conversion.verify()
        folder = self._splits["train"].conversion.folder
        return f"{self.title} is converted in {folder}: {self._told}"

    def left_out(self) -> dict[str, dict[str, int]]:
        """Files that are not images, and validation images of classes that are not used."""
        return {split: files.left_out for split, files in self._splits.items() if files.left_out}

    def notes(self) -> list[str]:
        """How many files are used, and how many are not and why."""
        return [f"{self.files.folder}: {self._told}"]

    @property
    def _told(self) -> str:
        return used_and_left_out(self._splits["train"], self._splits["test"])

    @cached_property
    def _used(self) -> tuple[str, ...]:
        """WordNet ids of the classes that are used, sorted."""
        there, named = self.files.wnids, self.settings.named_classes
        if named is None:
            return there
        ids = class_ids(named, f"the folder {self.files.folder}", class_names(there), there)
        return tuple(there[number] for number in ids)

    @cached_property
    def _splits(self) -> dict[Split, DecodedFiles]:
        left_out: dict[Split, Counter[str]] = {"train": Counter(), "test": Counter()}
        return {
            "train": self._decoded(
                "train", self.files.train(self._used, left_out["train"]), left_out
            ),
            "test": self._decoded("test", self.files.val(self._used, left_out["test"]), left_out),
        }

    def _decoded(
        self, split: Split, files: list[Found], left_out: dict[Split, Counter[str]]
    ) -> DecodedFiles:
        absent = {*range(len(self._used))} - {file.label for file in files}
        if absent:
            raise UserError(f"ImageNet: {split} has no image of {self._used[min(absent)]}")
        given = self.settings
        part = "" if self._used == self.files.wnids else f"-{digest(repr(self._used).encode())[:8]}"
        name = f"{split}-{given.resolution}-{given.filter.name}{part}"
        return DecodedFiles(
            files,
            given.resolution,
            given.filter,
            Conversion(self.root.absolute() / FOLDER / "imagenet", name),
            self.version,
            {"classes": list(self._used)},
            dict(left_out[split]),
        )
