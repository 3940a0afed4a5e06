"""Read untrusted NumPy files: no objects, and no more memory than the file's own bytes."""

from __future__ import annotations

import math
import warnings
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ...errors import UserError, shortened, shown

MAX_INFLATION = 200
"""Largest ratio of an archive's unpacked size to its file size: images hardly compress at all."""
MAX_HEADER_BYTES = 10_000
MAX_MEMBERS = 1_000


def read_npy(path: Path) -> NDArray[Any]:
    """The array of a .npy file.

    Raises:
        UserError: one line, for objects, a header that claims more than the file has, or damage.
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        return _read(file, path.stat().st_size, str(path))


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a .npz file, by name.

    Raises:
        UserError: as `read_npy` does, and for an archive that would grow absurdly.
        OSError: if it cannot be read.
    """
    path.open("rb").close()  # from here on any error means damage, even a bad seek
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            total, limit = sum(m.file_size for m in members), MAX_INFLATION * path.stat().st_size
            if len(members) > MAX_MEMBERS or total > limit:
                raise UserError(f"{path}: its members claim {total:,} bytes, over {limit:,}")
            if not all(member.filename.endswith(".npy") for member in members):
                raise UserError(f"{path}: it holds other things than arrays of NumPy")
            arrays = {}
            for member in members:
                name = member.filename.removesuffix(".npy")
                with archive.open(member) as file:
                    arrays[name] = _read(file, member.file_size, f"{path}, {name[:40]!r}")
            return arrays
    except UserError:
        raise
    except Exception as error:  # a damaged archive makes zipfile and zlib fail in any way at all
        raise UserError(f"{path}: damaged archive ({shortened(str(error))})") from None


def _read(file: IO[bytes], size: int, where: str) -> NDArray[Any]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header written by Python 2 does no harm
            version = npy.read_magic(file)
            reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, is_fortran, dtype = reader(file, max_header_size=MAX_HEADER_BYTES)
    except Exception as error:  # a header is Python source, and may be wrong in any way at all
        reason = shortened(str(error), 120)
        raise UserError(f"{where}: not an array of NumPy ({reason})") from None
    if dtype.hasobject or dtype.kind not in "buif":
        raise UserError(
            f"{where}: an array of {dtype.name if not dtype.names else 'records'}, not of plain "
            "numbers; objects are not unpickled"
        )
    count = math.prod(shape)
    if count * dtype.itemsize > size or any(side < 0 for side in shape):
        raise UserError(
            f"{where}: claims the shape {shown(shape)}, for which the file is too short"
        )
    data = file.read(count * dtype.itemsize)
    if len(data) != count * dtype.itemsize:
        raise UserError(f"{where}: cut short")
    array = np.frombuffer(data, dtype)
    try:
        return array.reshape(shape, order="F" if is_fortran else "C").copy()
    except (ValueError, OverflowError):  # a side of 0 beside an impossible one
        raise UserError(f"{where}: claims the absurd shape {shown(shape)}") from None
