"""Any images in one folder per class, resized to one resolution: dataset.path=FOLDER.

FOLDER/train/CLASS/ has the training images, FOLDER/test/CLASS/ the test images, or
FOLDER/val/CLASS/ where FOLDER/test is missing or has none of the classes (as in Tiny ImageNet,
whose test images have no labels). Images may also be in subfolders of a class's folder.

Without class folders, the classes are read from labels.csv with the columns `file` and `label`, one
in each split's folder or one in FOLDER with a column `split`; or from a part of each file name, by
dataset.pattern. Images are decoded once, into the data root.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...plugins.settings import setting
from ..formats.conversion import FOLDER, Conversion
from ..formats.decoding import Filter
from ..formats.flat_images import LABELS_FILE, Flat, by_file_name, by_labels_file
from ..formats.image_files import DecodedFiles, Found, list_images, used_and_left_out
from ..source import DatasetSettings, DatasetSource, NamedSettings, Split


class ImageFolder(DatasetSource):
    """Classes are the folders of the training images, in the order of their names."""

    @dataclass
    class Settings(NamedSettings):
        path: str = setting(
            "", "folder with train/ and test/ (or val/), one folder per class in each", place=True
        )
        resolution: int = setting(64, "height and width in pixels after cropping", low=1, high=1024)
        filter: Filter = setting(Filter.bicubic, "filter for resizing; none refuses other sizes")
        pattern: str = setting(
            "",
            "regular expression for names without extension; its group is the class: '(.+)_[0-9]+'",
            left_out_at_default=True,
        )

    settings: ImageFolder.Settings

    version = 1
    title = "Image folder"
    channels = 3
    resolution = 64
    # Placeholders: `check` sets them from the folder.
    class_names: tuple[str, ...] = ("first class", "second class")
    train_size = test_size = 2

    def __init__(self, settings: DatasetSettings, root: Path) -> None:
        super().__init__(settings, root)
        self.resolution = self.settings.resolution

    def check(self) -> None:
        self.class_names = self._classes
        self.train_size = len(self._split("train").files)
        self.test_size = len(self._split("test").files)

    def load(self, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images and classes, ordered by class and then by name."""
        return self._split(split).load()

    def fingerprint(self, split: Split) -> str | None:
        return self._split(split).fingerprint()

    def prepare(self) -> str:
        """Decode all images."""
        self.check()
        for split in (self._split("train"), self._split("test")):
            split.convert()
            split.conversion.verify()
        folder = self._split("train").conversion.folder
        return f"{self.path} is converted in {folder}: {self._told}"

    def left_out(self) -> dict[str, dict[str, int]]:
        """Files that are hidden, not images, or outside the class folders."""
        return {split: files.left_out for split, files in self._splits.items() if files.left_out}

    def notes(self) -> list[str]:
        """How many files are used, how many are not and why, and where test images come from."""
        return [f"{self.path}: {self._told} (of {self._test_place})"]

    @property
    def path(self) -> Path:
        """The folder, absolute."""
        if not self.settings.path:
            raise UserError("dataset image_folder: say which folder, with dataset.path=FOLDER")
        return Path(self.settings.path).expanduser().absolute()

    @property
    def _told(self) -> str:
        return used_and_left_out(self._split("train"), self._split("test"))

    @cached_property
    def _classes(self) -> tuple[str, ...]:
        if self._flat is not None:
            return self._classes_of(self._flat["train"])
        folder = self.path / "train"
        if self.path.is_dir() and not folder.is_dir():
            there = ", ".join(_folders(self.path)[:5]) or "no folder at all"
            raise UserError(f"{self.path} has no folder train (there is: {there})")
        names = _folders(folder)
        if len(names) < 2:
            there = f"only the folder {names[0]!r}" if names else "no folders"
            raise UserError(f"{folder} has {there}; expected one folder per class, at least 2")
        return tuple(names)

    @cached_property
    def _flat(self) -> dict[Split, Flat] | None:
        """Images that are not sorted into class folders, or None if they are."""
        train, labels = self.path / "train", self.path / LABELS_FILE
        if self.settings.pattern:
            folders = {"train": train, "test": self._test_folders[0]}
            return {
                split: by_file_name(folder, self.path, self.settings.pattern)
                for split, folder in cast(dict[Split, Path], folders).items()
            }
        if train.is_dir() and _folders(train):
            return None
        if labels.is_file():
            test = by_labels_file(labels, self.path, ("test",))
            return {
                "train": by_labels_file(labels, self.path, ("train",)),
                "test": test if test.files else by_labels_file(labels, self.path, ("val",)),
            }
        if (train / LABELS_FILE).is_file():
            return {
                "train": by_labels_file(train / LABELS_FILE, self.path),
                "test": by_labels_file(self._test_folders[0] / LABELS_FILE, self.path),
            }
        return None

    @cached_property
    def _test_folders(self) -> list[Path]:
        """Those of test/ and val/ that exist."""
        places = [self.path / name for name in ("test", "val")]
        there = [place for place in places if place.is_dir()]
        if not there:
            raise UserError(f"{self.path} has no folder test and no folder val")
        return there

    def _classes_of(self, flat: Flat) -> tuple[str, ...]:
        names = tuple(sorted({*flat.labels}))
        if len(names) < 2:
            there = f"only the class {names[0]!r}" if names else "no training images"
            raise UserError(f"{flat.of} has {there}; expected images of at least 2 classes")
        return names

    @property
    def _test_place(self) -> str:
        """Where the test images are listed, for messages."""
        if self._flat is None:
            return f"{self._test_folder.name}/"
        return self._flat["test"].of.relative_to(self.path).as_posix()

    @cached_property
    def _test_folder(self) -> Path:
        """The first of test/ and val/ that has a class folder, or else the first that exists."""
        there = self._test_folders
        return next((p for p in there if {*_folders(p)} & {*self._classes}), there[0])

    @cached_property
    def _splits(self) -> dict[Split, DecodedFiles]:
        if self._flat is not None:
            return {split: self._numbered(split, flat) for split, flat in self._flat.items()}
        return {
            "train": self._listed("train", self.path / "train"),
            "test": self._listed("test", self._test_folder),
        }

    def _split(self, split: Split) -> DecodedFiles:
        return self._splits[split]

    def _numbered(self, split: Split, flat: Flat) -> DecodedFiles:
        """Images that are not sorted, with their class ids."""
        strangers = sorted({*flat.labels} ^ {*self._classes})
        if strangers:
            raise UserError(
                f"{flat.of} must have the same classes among training and test images; only one "
                f"of the two has {strangers[0]!r}"
            )
        number_of = {name: number for number, name in enumerate(self._classes)}
        files = [
            replace(file, label=number_of[label])
            for label, file in zip(flat.labels, flat.files, strict=True)
        ]
        return self._decoded(split, files, flat.left_out)

    def _listed(self, split: Split, folder: Path) -> DecodedFiles:
        strangers = sorted({*_folders(folder)} ^ {*self._classes})
        if strangers:
            raise UserError(
                f"{folder} must have the same classes as {self.path / 'train'}; only one of the "
                f"two has {strangers[0]!r}"
            )
        files: list[Found] = []
        left_out: Counter[str] = Counter()
        for label, name in enumerate(self._classes):
            found = list_images(folder / name, self.path, label, left_out)
            if not found:
                raise UserError(f"{folder / name} has no images")
            files += found
        outside = sum(not entry.is_dir() for entry in folder.iterdir())
        if outside:
            left_out["outside the classes' folders"] = outside
        return self._decoded(split, files, left_out)

    def _decoded(self, split: Split, files: list[Found], left_out: Counter[str]) -> DecodedFiles:
        settings = self.settings
        place = hashlib.blake2b(str(self.path).encode(), digest_size=4).hexdigest()
        return DecodedFiles(
            files,
            settings.resolution,
            settings.filter,
            Conversion(
                self.root.absolute() / FOLDER / f"{self.path.name}-{place}",
                f"{split}-{settings.resolution}-{settings.filter.name}",
            ),
            self.version,
            {"classes": list(self._classes)},
            dict(left_out),
        )


def _folders(folder: Path) -> list[str]:
    """Names of the visible folders in a folder, sorted."""
    try:
        return sorted(
            entry.name
            for entry in folder.iterdir()
            if entry.is_dir() and not entry.name.startswith(".")
        )
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror})") from error
