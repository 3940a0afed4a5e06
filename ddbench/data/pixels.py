"""Images that need not fit in memory: several memory-mapped arrays seen as one."""

from __future__ import annotations

import hashlib
import itertools
import mmap
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import UserError

HASH_CHUNK = 4096
_CAN_READ = hasattr(os, "preadv")  # not on every system


class PartedImages:
    """uint8 images (N, C, H, W) stored one after another in several arrays.

    It offers the parts of the array and tensor interfaces that real images need, and never copies
    more than what is selected.

    Args:
        parts: uint8 arrays, (n_i, C, H, W), at least one; they may be memory-mapped.
        rows: positions in the whole of the visible images, int64, (N,); all by default.

    Raises:
        ValueError: if the parts do not agree in type and shape.
    """

    dtype = np.dtype(np.uint8)
    ndim = 4
    device = torch.device("cpu")

    def __init__(
        self, parts: Sequence[NDArray[np.uint8]], rows: NDArray[np.int64] | None = None
    ) -> None:
        shapes = {part.shape[1:] for part in parts}
        if len(shapes) != 1 or any(part.dtype != np.uint8 or part.ndim != 4 for part in parts):
            raise ValueError("parts must be uint8 arrays (n, C, H, W) of one shape of image")
        self._parts = tuple(parts)
        self._files = tuple(_FilePart.of(part) for part in parts)
        self._starts = np.cumsum([0, *(len(part) for part in parts)])
        self._rows = rows

    def __len__(self) -> int:
        return int(self._starts[-1]) if self._rows is None else len(self._rows)

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, C, H, W)."""
        return (len(self), *self._parts[0].shape[1:])

    def numel(self) -> int:
        """The number of pixel values, which is the number of bytes."""
        return int(np.prod(self.shape, dtype=np.int64))

    def min(self) -> int:
        """The smallest pixel value (reads everything)."""
        return min(int(chunk.min()) for chunk in self.split(HASH_CHUNK))

    def max(self) -> int:
        """The largest pixel value (reads everything)."""
        return max(int(chunk.max()) for chunk in self.split(HASH_CHUNK))

    def index_select(self, dim: int, index: Tensor) -> Tensor:
        """Copies of the images at positions `index` (B,); `dim` is 0, as for a tensor.

        Raises:
            IndexError: for a position out of range.
        """
        if dim != 0:
            raise IndexError("images are selected along their first dimension")
        return torch.from_numpy(self._gathered(index.cpu().numpy()))

    def split(self, size: int) -> Iterator[Tensor]:
        """Copies of all images in order, `size` at a time."""
        for start in range(0, len(self), size):
            yield torch.from_numpy(self._gathered(np.arange(start, min(start + size, len(self)))))

    def subset(self, index: Tensor) -> PartedImages:
        """The images at positions `index`, without reading them."""
        rows = index.cpu().numpy().astype(np.int64)
        return PartedImages(self._parts, rows if self._rows is None else self._rows[rows])

    def to(self, device: torch.device) -> Pixels:
        """All images as one tensor on another device; on the CPU they stay where they are."""
        if device.type == "cpu":
            return self
        whole = torch.empty(self.shape, dtype=torch.uint8, device=device)
        start = 0
        for chunk in self.split(HASH_CHUNK):
            whole[start : start + len(chunk)] = chunk.to(device)
            start += len(chunk)
        return whole

    def _gathered(self, index: NDArray[np.int64]) -> NDArray[np.uint8]:
        if len(index) and not (index.min() >= 0 and index.max() < len(self)):
            raise IndexError(
                f"there are {len(self)} images, asked for {index.min()}..{index.max()}"
            )
        rows = index if self._rows is None else self._rows[index]
        result = np.empty((len(rows), *self.shape[1:]), dtype=np.uint8)
        part_of = np.searchsorted(self._starts, rows, side="right") - 1
        for number in np.unique(part_of):
            here = np.flatnonzero(part_of == number)
            wanted, file = rows[here] - self._starts[number], self._files[number]
            if file is None:
                result[here] = self._parts[number][wanted]
            else:
                file.read(wanted, result, here)
        return result


class _FilePart:
    """A memory-mapped array, read through its file.

    Reading 12 KB at a random place is some 50 times as fast as mapping it (where the system reads
    ahead for every page touched) and leaves nothing resident; and a file that has since been cut
    short raises an error instead of killing the process.
    """

    def __init__(self, path: Path, offset: int, image_bytes: int) -> None:
        self.file = path.open("rb", buffering=0)
        self.offset = offset
        self.image_bytes = image_bytes

    @classmethod
    def of(cls, part: NDArray[np.uint8]) -> _FilePart | None:
        """The file behind an array, or None if there is none or the array is a part of the map."""
        whole = isinstance(part, np.memmap) and isinstance(part.base, mmap.mmap)
        if not whole or not part.flags.c_contiguous or part.flags.writeable or not _CAN_READ:
            return None
        filename, offset = part.filename, part.offset  # type: ignore[attr-defined]
        return cls(Path(filename), int(offset), int(np.prod(part.shape[1:])))

    def read(
        self, rows: NDArray[np.int64], result: NDArray[np.uint8], places: NDArray[np.int64]
    ) -> None:
        """Read the images `rows` (B,) of this part to the positions `places` (B,) of `result`."""
        cuts = np.flatnonzero((np.diff(rows) != 1) | (np.diff(places) != 1)) + 1
        bounds = [0, *cuts.tolist(), len(rows)]
        for first, end in itertools.pairwise(bounds):  # each run of neighbouring images
            place = int(places[first])
            target = result[place : place + end - first].reshape(-1)
            position = self.offset + int(rows[first]) * self.image_bytes
            done = 0
            while done < len(target):
                count = os.preadv(self.file.fileno(), [target[done:].data], position + done)
                if not count:
                    raise UserError(f"{self.file.name} has been cut short since it was opened")
                done += count


Pixels = Tensor | PartedImages


def pixel_hash(images: Pixels, labels: Tensor) -> str:
    """blake2b digest (20 bytes, hex) of shapes, pixels and labels.

    Args:
        images: uint8, (N, C, H, W), on the CPU.
        labels: int64, (N,).
    """
    digest = hashlib.blake2b(digest_size=20)
    digest.update(repr((tuple(images.shape), tuple(labels.shape))).encode())
    for chunk in images.split(HASH_CHUNK):
        digest.update(chunk.contiguous().numpy().data)
    digest.update(labels.numpy().astype("<i8").tobytes())
    return digest.hexdigest()


def sampled_hash(images: Pixels, labels: Tensor, sample: int = 2048) -> str:
    """As `pixel_hash`, but of all labels and only evenly spaced images, for very large data.

    Args:
        images: uint8, (N, C, H, W), on the CPU, N >= 1.
        labels: int64, (N,).
        sample: how many images are read, at positions floor(i (N - 1) / (sample - 1)).

    Returns:
        `sample-` and the digest.
    """
    digest = hashlib.blake2b(digest_size=20)
    digest.update(repr(("sample", sample, tuple(images.shape))).encode())
    digest.update(labels.numpy().astype("<i8").tobytes())
    chosen = images.index_select(0, evenly_spaced(len(labels), sample))
    digest.update(chosen.contiguous().numpy().data)
    return f"sample-{digest.hexdigest()}"


def evenly_spaced(count: int, sample: int) -> Tensor:
    """Positions of `sample` items spread over `count`, the first and last included, int64."""
    if sample >= count:
        return torch.arange(count)
    return torch.arange(sample) * (count - 1) // (sample - 1)
