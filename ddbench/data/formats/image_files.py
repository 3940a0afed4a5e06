"""Folders of image files: listed in a fixed order, decoded once, then memory-mapped."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from .conversion import Conversion, key_of_files
from .decoding import SUFFIXES, Filter, decode

DECODED_BYTES = 2 * 2**30
"""Most bytes that are decoded in memory at each start if nothing can be written."""
DECODER = 2
"""Incremented when files are decoded to other pixels: older conversions are then redone."""
_BLOCK = 256


@dataclass(frozen=True)
class Found:
    """An image file with its class id; `name` is its path below the dataset's folder."""

    path: Path
    name: str
    label: int
    facts: os.stat_result


def list_images(folder: Path, base: Path, label: int, left_out: Counter[str]) -> list[Found]:
    """The image files of one class, in a folder and the folders in it, as torchvision lists them.

    Folders are ordered by path and files by name. Hidden files, files with other extensions and
    broken links are left out.

    Args:
        folder: of the class.
        base: the dataset's folder.
        label: the class.
        left_out: counts what is left out, by reason.

    Raises:
        UserError: if the folder cannot be read.
    """
    found: list[Found] = []
    try:
        for path in _files_below(folder):
            ending = path.suffix.lower()
            if any(part.startswith(".") for part in path.relative_to(folder).parts):
                left_out["hidden"] += 1
            elif ending not in SUFFIXES:
                left_out[f"ending {ending}" if ending else "no ending"] += 1
            elif not path.is_file():
                left_out["broken link"] += 1
            else:
                found.append(Found(path, path.relative_to(base).as_posix(), label, path.stat()))
    except OSError as error:
        raise UserError(f"{error.filename or folder} cannot be read ({error.strerror})") from error
    return found


def _files_below(folder: Path) -> list[Path]:
    """All files in a folder and the folders in it, links to folders followed once."""

    def fail(error: OSError) -> None:
        raise error

    files, seen = [], set()
    for place, inner, names in os.walk(folder, onerror=fail, followlinks=True):
        real = os.path.realpath(place)
        if real in seen:
            inner.clear()
            continue
        seen.add(real)
        files.append((place, sorted(names)))
    return [Path(place, name) for place, names in sorted(files) for name in names]


def used_and_left_out(train: DecodedFiles, test: DecodedFiles) -> str:
    """How many images are used and how many files are left out, in one line."""
    line = f"{len(train.files)} training and {len(test.files)} test images"
    for noun, split in (("training", train), ("test", test)):
        reasons = ", ".join(f"{count} ({reason})" for reason, count in split.left_out.items())
        line += f"; {noun} files left out: {reasons}" if reasons else ""
    return line


@dataclass(frozen=True)
class DecodedFiles:
    """One split of a dataset of image files.

    Args:
        files: the image files, in the order of the images.
        resolution: height and width of the decoded images.
        resize: how images of other sizes are resized.
        conversion: where the decoded images are kept.
        version: of the dataset's source.
        facts: JSON values that are kept beside them.
        left_out: numbers of other files beside them, by the reason why they are not used.
        crop: whether the largest square of each is kept; else the whole image is squeezed.
    """

    files: Sequence[Found]
    resolution: int
    resize: Filter
    conversion: Conversion
    version: int
    facts: dict[str, Any]
    left_out: dict[str, int] = field(default_factory=dict)
    crop: bool = True

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Class ids, (N,)."""
        return np.array([file.label for file in self.files], dtype=np.int64)

    @cached_property
    def key(self) -> str:
        """A digest of the files and of how they are decoded."""
        named = ((f"{file.label}/{file.name}", file.facts) for file in self.files)
        squeezed = () if self.crop else ("squeezed",)
        how = (self.resolution, self.resize.name, self.facts, DECODER, *squeezed)
        return key_of_files(named, self.version, *how)

    def convert(self) -> None:
        """Decode all images to the conversion's files, unless this has been done.

        Raises:
            UserError: as `Conversion.write` and `decode` do.
        """
        shape = (3, self.resolution, self.resolution)
        self.conversion.write(self.key, self.labels, shape, self._blocks, self.facts)

    def load(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images and class ids, converted now if they have not been.

        Where nothing can be written, a moderate number of images is decoded in memory.

        Raises:
            UserError: as `convert` does.
        """
        if self.conversion.facts(self.key) is None:
            needed_bytes = len(self.files) * 3 * self.resolution**2
            if needed_bytes <= DECODED_BYTES and not _can_write(self.conversion.folder):
                return np.concatenate(list(self._blocks(0))), self.labels
            self.convert()
        return self.conversion.open()

    def fingerprint(self) -> str | None:
        """The digest of all pixels and labels, computed at the conversion."""
        facts = self.conversion.facts(self.key)
        return None if facts is None else str(facts["hash"])

    def _blocks(self, start: int) -> Iterator[NDArray[np.uint8]]:
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as workers:
            for first in range(start, len(self.files), _BLOCK):
                paths = [file.path for file in self.files[first : first + _BLOCK]]
                yield np.stack(list(workers.map(self._decode, paths)))

    def _decode(self, path: Path) -> NDArray[np.uint8]:
        return decode(path, self.resolution, self.resize, self.crop)


def _can_write(folder: Path) -> bool:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK)
