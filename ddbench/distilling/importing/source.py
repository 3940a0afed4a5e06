"""The source of an import: a file, a folder, or objects in memory. It is never executed."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from ...data.formats.msgpack_file import read_msgpack
from ...data.formats.numpy_file import read_npy, read_npz
from ...data.formats.torch_file import read_torch_file
from ...errors import UserError

_POINTER = b"version https://git-lfs"
_TORCH_PICKLE = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""First bytes of `torch.save` files that are not archives: a pickle with torch's magic number."""
_BEGINNINGS = {
    b"\x93NUMPY": "npy",
    b"\x89HDF\r\n\x1a\n": "hdf5",
    b"PAR1": "parquet",
    _TORCH_PICKLE: "torch",
}


class Source:
    """Something to import, whose content is read on demand and cached.

    Args:
        given: a path, or objects in memory.

    Raises:
        UserError: if there is no such file, or its format is not supported.
    """

    def __init__(self, given: object) -> None:
        is_path = isinstance(given, str | Path)
        self.path = Path(given).expanduser() if is_path else None  # type: ignore[arg-type]
        self.given = given
        if given == "":  # as a path it would be the working directory
            raise UserError("the name of the file is empty; give one, such as images_best.pt")
        self.kind = "memory" if self.path is None else _kind(self.path)

    def __str__(self) -> str:
        return "the given objects" if self.path is None else str(self.path)

    @cached_property
    def content(self) -> Any:
        """Tensors, arrays, and dicts or lists of them; None if not a single file of arrays.

        Raises:
            UserError: one line, if the file is damaged or contains more than arrays.
        """
        if self.path is None:
            return None
        readers = {
            "torch": read_torch_file,
            "npy": read_npy,
            "npz": read_npz,
            "msgpack": read_msgpack,
        }
        try:
            return readers[self.kind](self.path) if self.kind in readers else None
        except OSError as error:
            raise UserError(f"{self.path} cannot be read ({error.strerror})") from error

    @property
    def table(self) -> Mapping[str, Any]:
        """The content if it is a dict, else an empty one."""
        return self.content if isinstance(self.content, dict) else {}

    @property
    def sequence(self) -> Sequence[Any]:
        """The content if it is a list, else an empty one."""
        return self.content if isinstance(self.content, list) else []

    @property
    def bare(self) -> torch.Tensor | None:
        """The content if it is a single tensor or array, else None."""
        if self.kind == "torch" and isinstance(self.content, torch.Tensor):
            return self.content
        return torch.from_numpy(self.content) if self.kind == "npy" else None

    def files(self, pattern: str) -> list[Path]:
        """The folder's files whose names match; empty if this is not a folder."""
        if self.kind != "folder" or self.path is None:
            return []
        return sorted(file for file in self.path.glob(pattern) if file.is_file())


def _kind(path: Path) -> str:
    """The kind of a file by its content; names do not matter."""
    if os.path.isdir(path):
        return "folder"
    try:
        with path.open("rb") as file:
            start = file.read(64)
        size = path.stat().st_size
    except FileNotFoundError as error:
        raise UserError(f"{path}: no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a name with a NUL character
        reason = getattr(error, "strerror", error)
        raise UserError(f"{path} cannot be read ({reason})") from error
    if start.startswith(_POINTER):
        raise UserError(f"{path} is a Git LFS pointer, not the file itself; run `git lfs pull`")
    for beginning, kind in _BEGINNINGS.items():
        if start.startswith(beginning):
            return kind
    if start.startswith(b"PK"):
        return _archive_kind(path)
    # Before pickles: the header's length, which comes first, may begin with the same bytes.
    if start[8:9] == b"{" and int.from_bytes(start[:8], "little") < size:
        return "safetensors"
    if start[:1] == b"\x80" and start[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        raise UserError(
            f"{path} is a plain pickle, which may run anything when it is read; nothing was "
            "executed. Save its arrays with numpy.savez or torch.save"
        )
    if start and (0x80 < start[0] <= 0x8F or start[0] in (0xDE, 0xDF)):
        return "msgpack"
    raise UserError(
        f"{path}: no format that is known by its first bytes; it may be damaged or no data at all"
    )


def _archive_kind(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:  # zipfile raises many kinds of errors
        raise UserError(f"{path} is a damaged archive; it may be cut short") from None
    return "npz" if names and all(name.endswith(".npy") for name in names) else "torch"
