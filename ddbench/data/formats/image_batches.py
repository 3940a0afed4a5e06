"""Batches of images in one file each: the pickles and .npz archives of downsampled ImageNet.

P. Chrabaszcz, I. Loshchilov and F. Hutter, "A Downsampled Variant of ImageNet as an Alternative to
the CIFAR datasets", 2017. Each has `data` (N, 3 side^2) uint8, channel by channel, and `labels`
1..classes.
"""

from __future__ import annotations

import codecs
import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from .pickle_layout import StoredArray, read_layout

READ_BYTES = 16 * 2**20
LABEL_BYTES = 64 * 2**20
"""No batch has so many labels; a file that claims more is damaged."""


class Batch(ABC):
    """A file of images, opened and checked without reading its pixels.

    Args:
        path: the file.
        side: height and width of an image.
        classes: labels are 1..classes.

    Raises:
        UserError: one line, if the file is missing, damaged or of another kind.
    """

    def __init__(self, path: Path, side: int, classes: int) -> None:
        self.path = path
        self.side = side
        try:
            shape, dtype = self._data_header()
            labels = np.asarray(self._raw_labels())
        except OSError as error:
            raise UserError(f"{path} cannot be read ({error.strerror or error})") from error
        if dtype != np.uint8 or len(shape) != 2 or shape[1] != self.image_bytes or not shape[0]:
            wanted = f"uint8 (N, {self.image_bytes})"
            raise self.problem(f"data have type {dtype} and shape {shape}, not {wanted}")
        if labels.shape != (shape[0],) or labels.dtype.kind not in "iu":
            raise self.problem(f"{shape[0]} images have labels of shape {labels.shape}")
        low, high = int(labels.min()), int(labels.max())
        if low < 1 or high > classes:
            raise self.problem(f"labels range over {low}..{high}, not 1..{classes}")
        self.labels: NDArray[np.int64] = labels.astype(np.int64) - 1

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def image_bytes(self) -> int:
        """Bytes of one image."""
        return 3 * self.side * self.side

    def problem(self, reason: str) -> UserError:
        """An error that names the file."""
        return UserError(f"{self.path} is not a batch of images: {reason}")

    def mapped(self) -> NDArray[np.uint8] | None:
        """All images (N, 3, side, side), memory-mapped, or None where the format prevents it."""
        return None

    def blocks(self, start: int, size: int) -> Iterator[NDArray[np.uint8]]:
        """Images (n, 3, side, side) from position `start` on, at most `size` at a time."""
        try:
            with self._pixels(start) as stream:
                for first in range(start, len(self), size):
                    count = min(size, len(self) - first)
                    data = stream.read(count * self.image_bytes)
                    if len(data) != count * self.image_bytes:
                        raise self.problem("the file is cut short")
                    flat = np.frombuffer(data, dtype=np.uint8)
                    yield flat.reshape(count, 3, self.side, self.side)
        except (OSError, ValueError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise self.problem(f"{type(error).__name__} while reading its images") from error

    @abstractmethod
    def _data_header(self) -> tuple[tuple[int, ...], np.dtype[Any]]: ...

    @abstractmethod
    def _raw_labels(self) -> Any: ...

    @abstractmethod
    def _pixels(self, start: int) -> Any:
        """A context manager with `read`, at the first byte of image `start`."""


class PickledBatch(Batch):
    """A pickle, read without unpickling it."""

    @cached_property
    def _layout(self) -> dict[str, Any]:
        layout = read_layout(self.path)
        if not {"data", "labels"} <= set(layout) or not isinstance(layout["data"], StoredArray):
            raise self.problem("it has no arrays `data` and `labels`")
        return layout

    def _data_header(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        return self._layout["data"].shape, self._layout["data"].dtype

    def _raw_labels(self) -> Any:
        labels = self._layout["labels"]
        if isinstance(labels, list):
            if not all(type(label) is int and abs(label) < 2**31 for label in labels):
                raise self.problem("labels are not all integers")
            return np.asarray(labels, dtype=np.int64)
        if not isinstance(labels, StoredArray) or labels.buffer.length > LABEL_BYTES:
            raise self.problem("labels are neither a list nor an array")
        with _StoredBytes(self.path, labels) as stream:
            data = stream.read(int(np.prod(labels.shape, dtype=np.int64)) * labels.dtype.itemsize)
        return np.frombuffer(data, dtype=labels.dtype).reshape(labels.shape)

    def mapped(self) -> NDArray[np.uint8] | None:
        """The images in the file, unless Python 3 re-encoded them in a protocol below 3."""
        buffer = self._layout["data"].buffer
        if buffer.is_latin1:
            return None
        shape = (len(self), 3, self.side, self.side)
        return np.memmap(self.path, dtype=np.uint8, mode="r", offset=buffer.offset, shape=shape)

    def _pixels(self, start: int) -> Any:
        stream = _StoredBytes(self.path, self._layout["data"])
        stream.skip(start * self.image_bytes)
        return stream


class _StoredBytes:
    """The bytes of a stored array, in order."""

    def __init__(self, path: Path, array: StoredArray) -> None:
        self.file = path.open("rb")
        self.span = array.buffer
        self.file.seek(self.span.offset)
        self.left = self.span.length
        self.decoder = codecs.getincrementaldecoder("utf-8")("strict")
        self.buffered = b""

    def __enter__(self) -> _StoredBytes:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def read(self, count: int) -> bytes:
        """`count` bytes, or fewer at the end."""
        pieces = [self.buffered]
        have = len(self.buffered)
        while have < count and self.left:
            data = self.file.read(min(READ_BYTES, self.left))
            if not data:
                break
            self.left -= len(data)
            if self.span.is_latin1:
                data = self.decoder.decode(data, final=not self.left).encode("latin-1")
            pieces.append(data)
            have += len(data)
        whole = b"".join(pieces)
        self.buffered = whole[count:]
        return whole[:count]

    def skip(self, count: int) -> None:
        """Skip `count` bytes."""
        if self.span.is_latin1:
            while count > 0 and (taken := len(self.read(min(count, READ_BYTES)))):
                count -= taken
        else:
            self.file.seek(count, 1)
            self.left -= count


class NpzBatch(Batch):
    """A .npz archive, compressed or not; arrays of Python objects (pickles) are refused."""

    def _data_header(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        with self._member("data") as stream:
            return self._header(stream)

    def _raw_labels(self) -> Any:
        with self._member("labels") as stream:
            shape, dtype = self._header(stream)
            wanted = int(np.prod(shape, dtype=np.int64)) * dtype.itemsize
            if wanted > LABEL_BYTES:
                raise self.problem(f"labels have shape {shape}")
            data = self._exactly(stream, wanted)
        return np.frombuffer(data, dtype=dtype).reshape(shape)

    def _exactly(self, stream: BinaryIO, count: int) -> bytes:
        try:
            data = stream.read(count)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            raise self.problem("the archive is damaged") from error
        if len(data) != count:
            raise self.problem("the file is cut short")
        return data

    def _member(self, name: str) -> Any:
        try:
            with zipfile.ZipFile(self.path) as archive:
                return archive.open(f"{name}.npy")  # keeps the file open until it is closed
        except KeyError:
            raise self.problem(f"it has no array `{name}`") from None
        except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError) as error:
            raise self.problem("it is not an archive, or cut short") from error

    def _header(self, stream: BinaryIO) -> tuple[tuple[int, ...], np.dtype[Any]]:
        try:
            version = np.lib.format.read_magic(stream)
            read = {
                (1, 0): np.lib.format.read_array_header_1_0,
                (2, 0): np.lib.format.read_array_header_2_0,
            }[version]
            shape, is_fortran, dtype = read(stream)
        except (ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise self.problem("an array in it is damaged") from error
        if dtype.hasobject or is_fortran:
            raise self.problem("an array in it is not of numbers stored row by row")
        return shape, dtype

    def _pixels(self, start: int) -> Any:
        stream = self._member("data")
        self._header(stream)
        stream.seek(start * self.image_bytes, 1)
        return stream


def open_batch(folder: Path, name: str, side: int, classes: int) -> Batch:
    """The batch `name` of a folder: a pickle of that name, else an archive `name`.npz."""
    kind = PickledBatch if (folder / name).is_file() else NpzBatch
    return kind(batch_file(folder, name), side, classes)


def batch_file(folder: Path, name: str) -> Path:
    """The path of a batch; the file need not exist."""
    return folder / name if (folder / name).is_file() else folder / f"{name}.npz"
