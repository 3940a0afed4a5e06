"""ImageNet64: ImageNet's photographs downsampled, 64x64 in colour, 1,000 classes.

P. Chrabaszcz, I. Loshchilov and F. Hutter, "A Downsampled Variant of ImageNet as an Alternative to
the CIFAR datasets", 2017. The ten training batches and `val_data` are read in place, in
DATA_ROOT/imagenet64, as the published pickles or .npz archives; `ddbench prepare` converts those
that cannot be memory-mapped. If there are none, it makes the images from ImageNet itself, in
DATA_ROOT/imagenet, as the published ones were made: squeezed to 64x64 with a box filter.
"""

from __future__ import annotations

import os
import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...errors import UserError
from ..formats.conversion import FOLDER, Conversion, key_of_files
from ..formats.decoding import Filter
from ..formats.image_batches import Batch, batch_file, open_batch
from ..formats.image_files import DecodedFiles
from ..pixels import PartedImages, sampled_hash
from ..source import DatasetSettings, DatasetSource, Split
from ._imagenet_files import MEAN, NUMBERS, STD, TEST_SIZE, TRAIN_SIZE, ImageNetFiles

BATCHES: dict[Split, tuple[str, ...]] = {
    "train": tuple(f"train_data_batch_{number}" for number in range(1, 11)),
    "test": ("val_data",),
}
NAME_FILE = "map_clsloc.txt"
DECODED_BYTES = 2**29
"""Batches that cannot be mapped are decoded at each start if their total size is at most this."""
_BLOCK = 1024
_ARCHIVE = re.compile(r"Imagenet64_(train|val)\w*\.zip", re.IGNORECASE)
_SPLITS: tuple[Split, ...] = ("train", "test")

Loaded = tuple[NDArray[np.uint8] | PartedImages, NDArray[np.int64]]


class ImageNet64(DatasetSource):
    """1,281,167 training images; the 50,000 validation images of ImageNet are its test split.

    Classes are in the order of the published labels, which is not that of their WordNet ids. They
    are called 0001 to 1000 unless `map_clsloc.txt` of ImageNet's development kit, with lines such
    as `n02119789 1 kit_fox`, is beside the batches. Images made from ImageNet itself are ordered by
    class and name, while the published ones are shuffled, so the two have different keys.
    """

    version = 1
    title = "ImageNet64"
    channels = 3
    resolution = 64
    class_names = tuple(f"{number:04}" for number in range(1, 1001))
    train_size, test_size = TRAIN_SIZE, TEST_SIZE
    mean, std = MEAN, STD

    def __init__(self, settings: DatasetSettings, root: Path) -> None:
        super().__init__(settings, root)
        self.folder = root.absolute() / "imagenet64"
        self._loaded: dict[Split, Loaded] = {}

    def check(self) -> None:
        sizes = {split: len(self._labels(split)) for split in _SPLITS}
        self.train_size, self.test_size = sizes["train"], sizes["test"]
        self.class_names = _class_names(self.folder / NAME_FILE) or type(self).class_names
        numbers = ImageNetFiles(self.folder).numbers() or self._originals.numbers()
        if numbers is not None and {*numbers} >= {*range(1, len(self.class_names) + 1)}:
            self.wnids = tuple(numbers[n] for n in range(1, len(self.class_names) + 1))

    def load(self, split: Split) -> Loaded:
        """Images and classes in the order of the batches.

        Raises:
            UserError: if files are missing, damaged, or have to be converted first.
        """
        if split not in self._loaded:
            self._loaded[split] = self._load(split)
        return self._loaded[split]

    def fingerprint(self, split: Split) -> str:
        """A digest of all labels and a sample of the images, the same for every kind of file."""
        images, labels = self.load(split)
        pixels = images if isinstance(images, PartedImages) else PartedImages([images])
        return sampled_hash(pixels, torch.from_numpy(labels))

    def prepare(self) -> str:
        """Unpack archives in the folder and convert what cannot be memory-mapped."""
        self._unpack()
        if not self._are_there and (self._originals.folder / "train").is_dir():
            self._make()
        for split in _SPLITS:
            if self._converted(split) is not None:
                self._conversion(split).verify()
            elif any(batch.mapped() is None for batch in self._batches[split]):
                self._convert(split)
        self.check()
        return f"{self.title} is complete in {self.folder}"

    def _load(self, split: Split) -> Loaded:
        if self._converted(split) is not None:
            converted, labels = self._conversion(split).open()
            return PartedImages([converted]), labels
        batches, labels = self._batches[split], self._labels(split)
        mapped = [images for batch in batches if (images := batch.mapped()) is not None]
        if len(mapped) == len(batches):
            return PartedImages(mapped), labels
        if len(labels) * batches[0].image_bytes > DECODED_BYTES:
            raise UserError(
                f"{self.title}: the batches in {self.folder} cannot be memory-mapped as they are; "
                "run `ddbench prepare imagenet64` once"
            )
        return np.concatenate([b for batch in batches for b in batch.blocks(0, _BLOCK)]), labels

    def _labels(self, split: Split) -> NDArray[np.int64]:
        if self._converted(split) is not None:
            return self._conversion(split).open()[1]
        return np.concatenate([batch.labels for batch in self._batches[split]])

    @cached_property
    def _batches(self) -> dict[Split, list[Batch]]:
        """All batches, opened: their labels are read, their images are not.

        Raises:
            UserError: for the first that is missing or damaged.
        """
        missing = [name for name in self._names if not batch_file(self.folder, name).is_file()]
        if missing:
            more = f" and {len(missing) - 1} more" if missing[1:] else ""
            raise UserError(
                f"{self.title}: {missing[0]}{more} missing in {self.folder}; put the batches (or "
                "Imagenet64_train_part1.zip, Imagenet64_train_part2.zip and Imagenet64_val.zip, "
                "from https://image-net.org/download-images after a login) there, or ImageNet "
                f"itself in {self._originals.folder}, and run `ddbench prepare imagenet64`"
            )
        classes = len(type(self).class_names)
        return {
            split: [open_batch(self.folder, name, self.resolution, classes) for name in names]
            for split, names in BATCHES.items()
        }

    @property
    def _originals(self) -> ImageNetFiles:
        return ImageNetFiles(self.root.absolute() / "imagenet")

    @property
    def _are_there(self) -> bool:
        """Whether there is any batch."""
        return any(batch_file(self.folder, name).is_file() for name in self._names)

    def _make(self) -> None:
        """Convert the original images, in the order of the published labels.

        Raises:
            UserError: if this order is unknown, or files are missing or damaged.
        """
        numbers, there = self._originals.numbers(), self._originals.wnids
        if numbers is None:
            raise UserError(
                f"{self.title}: the order of its classes is in {' or '.join(NUMBERS)} of "
                f"ImageNet's development kit; put it in {self._originals.folder}"
            )
        count = len(type(self).class_names)
        wnids = tuple(numbers.get(number, "") for number in range(1, count + 1))
        missing = [wnid for wnid in wnids if wnid not in there]
        if missing:
            raise UserError(
                f"{self.title}: {self._originals.folder / 'train'} lacks {len(missing)} of "
                f"{count} classes, such as {missing[0] or 'one without a number'}"
            )
        for split in _SPLITS:
            list_files = self._originals.train if split == "train" else self._originals.val
            DecodedFiles(
                list_files(wnids, Counter()),
                self.resolution,
                Filter.box,
                self._conversion(split),
                self.version,
                {},
                crop=False,
            ).convert()

    @property
    def _names(self) -> list[str]:
        return [name for names in BATCHES.values() for name in names]

    def _conversion(self, split: Split) -> Conversion:
        return Conversion(self.root.absolute() / FOLDER / "imagenet64", split)

    def _converted(self, split: Split) -> dict[str, Any] | None:
        """The manifest if there is a conversion of these batches, or of batches now removed."""
        return self._conversion(split).facts(self._key(split))

    def _key(self, split: Split) -> str | None:
        files = [batch_file(self.folder, name) for name in BATCHES[split]]
        there = [file for file in files if file.is_file()]
        if not there:
            return None
        return key_of_files(((file.name, os.stat(file)) for file in there), self.version)

    def _convert(self, split: Split) -> None:
        batches = self._batches[split]

        def blocks(start: int) -> Iterator[NDArray[np.uint8]]:
            for batch in batches:
                if start < len(batch):
                    yield from batch.blocks(start, _BLOCK)
                start = max(0, start - len(batch))

        shape = (self.channels, self.resolution, self.resolution)
        key = self._key(split)
        assert key is not None  # there are batches
        self._conversion(split).write(key, self._labels(split), shape, blocks, {})

    def _unpack(self) -> None:
        """Take the batches out of published archives; other members are left where they are."""
        if not self.folder.is_dir():
            return
        wanted = {*self._names, *(f"{name}.npz" for name in self._names)}
        for path in sorted(self.folder.iterdir()):
            if not _ARCHIVE.fullmatch(path.name):
                continue
            try:
                with zipfile.ZipFile(path) as archive:
                    for member in archive.infolist():
                        name = member.filename.rpartition("/")[2]
                        if name in wanted and not (self.folder / name).exists():
                            partial = self.folder / f"{name}.partial"
                            with archive.open(member) as packed, partial.open("wb") as file:
                                shutil.copyfileobj(packed, file, 2**20)
                            os.replace(partial, self.folder / name)
            except (OSError, zipfile.BadZipFile, EOFError, RuntimeError) as error:
                reason = " ".join(str(error).split())
                raise UserError(f"{path} cannot be unpacked ({reason})") from error


def _class_names(path: Path) -> tuple[str, ...] | None:
    """Names from lines `n02119789 1 kit_fox`; one that occurs twice gets its WordNet id.

    Raises:
        UserError: if the file does not name the classes 1..1000, each once.
    """
    if not path.is_file():
        return None
    rows = [
        line.split() for line in path.read_text("utf-8", "replace").splitlines() if line.strip()
    ]
    numbers = sorted(row[1] for row in rows if len(row) == 3)
    if len(numbers) != len(rows) or numbers != sorted(str(n) for n in range(1, 1001)):
        raise UserError(f"{path} must have 1000 lines such as `n02119789 1 kit_fox`, one per class")
    ordered = sorted(rows, key=lambda row: int(row[1]))
    names = [row[2] for row in ordered]
    return tuple(row[2] if names.count(row[2]) == 1 else f"{row[2]} ({row[0]})" for row in ordered)
