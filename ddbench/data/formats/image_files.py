"""Folders of image files: listed in a fixed order, decoded once, then memory-mapped."""

from __future__ import annotations

import enum
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from .conversion import Conversion, key_of_files

SUFFIXES = frozenset((".jpeg", ".jpg", ".png", ".bmp", ".webp", ".gif", ".tif", ".tiff", ".ppm"))
DECODED_BYTES = 2 * 2**30
"""What is decoded in memory at each start where nothing can be written; more is refused."""
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "PPM")
_BLOCK = 256


class Filter(enum.Enum):
    """How pixels of a resized image are computed; Pillow's filters, which average when shrinking.

    `none` resizes nothing: an image of another size is an error.
    """

    none = enum.auto()
    box = enum.auto()
    bilinear = enum.auto()
    bicubic = enum.auto()
    lanczos = enum.auto()


@dataclass(frozen=True)
class Found:
    """An image file with its class id; `name` is its path below the dataset's folder."""

    path: Path
    name: str
    label: int
    facts: os.stat_result


def list_images(folder: Path, base: Path, label: int) -> list[Found]:
    """The image files of one class, directly in a folder, in the order of their names.

    Hidden files and files with other endings are passed over.

    Raises:
        UserError: if the folder cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            chosen = [
                entry
                for entry in entries
                if Path(entry.name).suffix.lower() in SUFFIXES
                and not entry.name.startswith(".")
                and entry.is_file()
            ]
            found = [(Path(entry.path), entry.stat()) for entry in chosen]
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror})") from error
    found.sort(key=lambda item: item[0].name)
    return [Found(path, path.relative_to(base).as_posix(), label, facts) for path, facts in found]


def decode(path: Path, resolution: int, resize: Filter) -> NDArray[np.uint8]:
    """An image as RGB (3, resolution, resolution); the largest square in its middle is kept.

    Transparency is dropped, an animation's first picture is taken, and notes on orientation are
    not obeyed, as in torchvision's image folders.

    Raises:
        UserError: if the file is no image, is damaged, or has a wrong size that must not change.
    """
    from PIL import Image  # takes a while to import

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as opened:
                image = opened.convert("RGB")
    except Exception as error:  # Pillow raises many kinds, SyntaxError among them
        reason = " ".join(str(error).split())
        raise UserError(f"{path} cannot be decoded ({type(error).__name__}: {reason})") from error
    if image.size != (resolution, resolution):
        if resize is Filter.none:
            width, height = image.size
            raise UserError(f"{path} is {width}x{height}, not {resolution}x{resolution}")
        side = min(image.size)
        left, top = (image.width - side) // 2, (image.height - side) // 2
        image = image.resize(
            (resolution, resolution),
            Image.Resampling[resize.name.upper()],
            box=(left, top, left + side, top + side),
        )
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))


@dataclass(frozen=True)
class DecodedFiles:
    """One split of a dataset of image files.

    Args:
        files: in the order in which they are numbered.
        resolution: height and width of the decoded images.
        resize: how others are brought to that size.
        conversion: where the decoded images are kept.
        version: of the dataset's source.
        facts: JSON values that are kept beside them.
    """

    files: Sequence[Found]
    resolution: int
    resize: Filter
    conversion: Conversion
    version: int
    facts: dict[str, Any]

    @cached_property
    def labels(self) -> NDArray[np.int64]:
        """Class ids, (N,)."""
        return np.array([file.label for file in self.files], dtype=np.int64)

    @cached_property
    def key(self) -> str:
        """Of the files and of how they are decoded."""
        named = ((f"{file.label}/{file.name}", file.facts) for file in self.files)
        return key_of_files(named, self.version, self.resolution, self.resize.name, self.facts)

    def convert(self) -> None:
        """Decode all images to the conversion's files, unless that has been done.

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
        """The digest of all pixels and labels, as it was computed at the conversion."""
        facts = self.conversion.facts(self.key)
        return None if facts is None else str(facts["hash"])

    def _blocks(self, start: int) -> Iterator[NDArray[np.uint8]]:
        with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as workers:
            for first in range(start, len(self.files), _BLOCK):
                paths = [file.path for file in self.files[first : first + _BLOCK]]
                yield np.stack(
                    list(workers.map(lambda p: decode(p, self.resolution, self.resize), paths))
                )


def _can_write(folder: Path) -> bool:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    return os.access(folder, os.W_OK)
