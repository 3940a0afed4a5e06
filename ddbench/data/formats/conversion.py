"""Convert datasets once to memory-mappable .npy files, continuing after an interruption.

A converted split is three files in a folder below the data root: NAME.npy with the pixels,
NAME-labels.npy, and NAME.json, which is written last and says what they were made from. Until then
the pixels are in NAME.KEY.partial, whose length shows how far the work has come.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from filelock import FileLock
from numpy.typing import NDArray

from ...errors import UserError
from ...runtime.progress import Progress
from ...store.files import (
    check_writable,
    is_as_written,
    read_json,
    with_checksum,
    write_bytes,
    write_json,
)
from ..pixels import PartedImages, pixel_hash

FOLDER = "converted"
SCHEMA = 1


def key_of_files(files: Iterable[tuple[str, os.stat_result]], *also: object) -> str:
    """A digest of files' names, sizes and modification times, and of anything else that matters.

    It shows whether a conversion is still up to date. It is not part of the identity of the data,
    which comes from pixels and labels.
    """
    digest = hashlib.blake2b(repr(also).encode(), digest_size=16)
    for name, facts in files:
        digest.update(repr((name, facts.st_size, facts.st_mtime_ns)).encode())
    return digest.hexdigest()


@dataclass(frozen=True)
class Conversion:
    """One split of a dataset as converted files.

    Args:
        folder: where the files are.
        name: the beginning of their names.
    """

    folder: Path
    name: str

    @property
    def images(self) -> Path:
        """The pixels, uint8 (N, C, H, W)."""
        return self.folder / f"{self.name}.npy"

    @property
    def labels(self) -> Path:
        """The class ids, int64 (N,)."""
        return self.folder / f"{self.name}-labels.npy"

    @property
    def manifest(self) -> Path:
        """What the files are and what they were made from."""
        return self.folder / f"{self.name}.json"

    def facts(self, key: str | None) -> dict[str, Any] | None:
        """The manifest of a finished conversion of these files, or None.

        Args:
            key: of the original files; None accepts the conversion as it is, if they are gone.

        Raises:
            UserError: if converted files are damaged.
        """
        if not self.manifest.is_file():
            return None
        again = "prepare the dataset again"
        facts: dict[str, Any] = read_json(self.manifest, f"remove it and {again}")
        if not is_as_written(facts) or "hash" not in facts:
            raise UserError(f"{self.manifest} is damaged; remove it and {again}")
        if facts.get("schema") != SCHEMA:
            return None
        if key is not None and facts.get("key") != key:
            return None
        for file, size in ((self.images, "image_bytes"), (self.labels, "label_bytes")):
            if not file.is_file() or file.stat().st_size != facts.get(size):
                raise UserError(f"{file} is damaged or missing; remove {self.manifest} and {again}")
        return facts

    def open(self) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """The memory-mapped pixels and the labels of a finished conversion.

        Raises:
            UserError: if a file is damaged.
        """
        try:
            images = np.load(self.images, mmap_mode="r", allow_pickle=False)
            return images, np.load(self.labels, allow_pickle=False)
        except (OSError, ValueError, EOFError) as error:
            reason = " ".join(str(error).split())
            raise UserError(f"{self.images} cannot be opened ({reason})") from error

    def verify(self) -> None:
        """Read all pixels and compare their digest with that of the conversion.

        Raises:
            UserError: if they differ.
        """
        images, labels = self.open()
        if pixel_hash(PartedImages([images]), torch.from_numpy(labels)) != self._hash():
            raise UserError(
                f"{self.images} is damaged: its checksum differs; remove {self.manifest} and "
                "prepare the dataset again"
            )

    def write(
        self,
        key: str,
        labels: NDArray[np.int64],
        image_shape: tuple[int, int, int],
        blocks: Callable[[int], Iterator[NDArray[np.uint8]]],
        facts: dict[str, Any],
    ) -> None:
        """Convert, continuing an interrupted conversion of the same files.

        Args:
            key: of the original files.
            labels: class ids, (N,).
            image_shape: (C, H, W).
            blocks: yields the images from a position on, in order, in pieces of any size.
            facts: JSON values to be kept in the manifest.

        Raises:
            UserError: one line, if the folder cannot be written to or the disk is too full, and
                as `blocks` does.
        """
        check_writable(self.folder, "data_root=FOLDER or DDBENCH_DATA")
        with FileLock(self.folder / f".{self.name}.lock"):
            if self.facts(key) is not None:
                return  # another process has done it
            try:
                partial = self._write_images(key, (len(labels), *image_shape), blocks)
                images = np.load(partial, mmap_mode="r", allow_pickle=False)
                digest = pixel_hash(PartedImages([images]), torch.from_numpy(labels))
                stored = io.BytesIO()
                np.save(stored, labels.astype("<i8"))
                write_bytes(self.labels, stored.getvalue())
                self.manifest.unlink(missing_ok=True)  # that of other files, until now
                os.replace(partial, self.images)
            except OSError as error:
                raise UserError(f"cannot write to {self.folder}: {error.strerror}") from error
            told = {
                "schema": SCHEMA,
                "key": key,
                "hash": digest,
                "image_bytes": self.images.stat().st_size,
                "label_bytes": self.labels.stat().st_size,
                "shape": list(images.shape),
                **facts,
            }
            write_json(self.manifest, with_checksum(told))

    def _hash(self) -> str:
        return str(read_json(self.manifest)["hash"])

    def _write_images(
        self,
        key: str,
        shape: tuple[int, ...],
        blocks: Callable[[int], Iterator[NDArray[np.uint8]]],
    ) -> Path:
        """Write the partial file to its end and return its path."""
        partial = self.folder / f"{self.name}.{key}.partial"
        for stale in self.folder.glob(f"{self.name}.*.partial"):
            if stale != partial:
                stale.unlink()
        header = _header(shape)
        row_bytes = int(np.prod(shape[1:]))
        written = partial.stat().st_size if partial.exists() else 0
        done = max(0, written - len(header)) // row_bytes
        needed = (shape[0] - done) * row_bytes
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise UserError(
                f"{self.folder} needs {needed / 1e9:.1f} GB for the converted images and has "
                f"{free / 1e9:.1f} GB; choose another folder with data_root=FOLDER"
            )
        with partial.open("r+b" if done else "wb") as file:
            if not done:
                file.write(header)
            file.truncate(len(header) + done * row_bytes)
            file.seek(0, os.SEEK_END)
            title = f"converting {self.images.name}"
            with Progress().phase(title, total=shape[0], done=done) as phase:
                for block in blocks(done):
                    file.write(np.ascontiguousarray(block).data)
                    done += len(block)
                    phase.advance(done)
            file.flush()
            os.fsync(file.fileno())
        if partial.stat().st_size != len(header) + shape[0] * row_bytes:
            raise UserError(f"{partial} has {done} images, not {shape[0]}; remove it and try again")
        return partial


def _header(shape: tuple[int, ...]) -> bytes:
    stream = io.BytesIO()
    described = {"descr": "|u1", "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(stream, described)
    return stream.getvalue()
