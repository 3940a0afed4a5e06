"""Read files of `torch.save` without running anything that they ask for.

`torch.load(weights_only=True)` does the reading, and this module closes the gaps that it leaves.
Only the names below may occur at all, so that no allowed function can be made to claim memory; the
members of an archive must be uncompressed and unique; tensors are mapped, not allocated, and none
may claim more bytes than its storage holds. Two of three published files keep accuracies as NumPy
scalars beside their tensors. Their names are allowed and mapped to stand-ins in this module, so
that nothing of NumPy is called either.
"""

from __future__ import annotations

import pickletools
import re
import struct
import warnings
import zipfile
from pathlib import Path
from typing import Any, BinaryIO

import torch
from torch import Tensor

from ...errors import UserError, shortened

MAX_PICKLE_BYTES = 2**24
MAX_OPCODES = 500_000
MAX_VALUES = 100_000
MAX_DEPTH = 16
MAX_MEMBERS = 10_000
_LEGACY_PICKLES = 5  # magic number, protocol, system, the object, the keys of its storages

_STORAGES = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
_SCALARS = ("numpy.core.multiarray scalar", "numpy._core.multiarray scalar")
_NAMES = frozenset(
    {
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        "collections OrderedDict",
        "_codecs encode",
        "numpy dtype",
        *_SCALARS,
        *(f"torch {kind}Storage" for kind in _STORAGES),
    }
)
_NUMBERS = {"f8": "d", "f4": "f", "f2": "e", "i8": "q", "i4": "i", "i2": "h", "i1": "b", "u1": "B"}


class _NumberType:
    """Stands in for `numpy.dtype`, for plain numbers only."""

    def __init__(self, code: str, *_: Any) -> None:
        if code not in _NUMBERS:
            raise ValueError("a NumPy scalar is not a number")
        self.format = _NUMBERS[code]
        self.order = "<"

    def __setstate__(self, state: Any) -> None:
        self.order = ">" if state[1] == ">" else "<"


def _number(kind: _NumberType, data: bytes) -> float:
    """Stands in for `numpy.core.multiarray.scalar`."""
    value: float = struct.unpack(kind.order + kind.format, data)[0]
    return value


def read_torch_file(path: Path) -> Any:
    """The content of a file of `torch.save`: dicts, lists and tuples of tensors, numbers and text.

    Tensors are copies on the CPU, without gradients.

    Raises:
        UserError: one line, for anything else; nothing of the file has been executed.
        OSError: if the file cannot be read.
    """
    path.open("rb").close()  # from here on any error means damage, even a bad seek
    try:
        is_archive, lengths = zipfile.is_zipfile(path), None
        if is_archive:
            lengths = _lengths_in_archive(path)
        else:
            with path.open("rb") as file:
                for _ in range(_LEGACY_PICKLES):
                    _check_pickle(file)
        with warnings.catch_warnings(), torch.serialization.safe_globals(_admitted()):
            warnings.simplefilter("ignore")
            loaded = torch.load(path, map_location="cpu", weights_only=True, mmap=is_archive)
        return _Copy(path.stat().st_size, lengths).of(loaded)
    except UserError as error:
        raise UserError(
            f"{path} cannot be read as a file of torch.save: {shortened(str(error))}"
        ) from None
    except Exception as error:  # a damaged file makes torch fail in any way at all
        reason = re.sub(r"\s+", " ", str(error)).partition(". ")[0][:120]
        raise UserError(
            f"{path} cannot be read as a file of torch.save: damaged or cut short ({reason})"
        ) from None


def _admitted() -> list[Any]:
    named = [(_number, name.replace(" ", ".")) for name in _SCALARS]
    return [*named, (_NumberType, "numpy.dtype")]


def _lengths_in_archive(path: Path) -> set[int]:
    """The lengths of an archive's members.

    An archive that torch did not write, or whose members claim more than it holds, is refused.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if len(members) > MAX_MEMBERS or len({m.filename for m in members}) != len(members):
            raise UserError(f"it has over {MAX_MEMBERS} members, or two of one name")
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise UserError("its members are compressed, as torch.save never does")
        if sum(member.file_size for member in members) > path.stat().st_size:
            raise UserError("its members claim more bytes than the file has")
        pickles = [m for m in members if m.filename.endswith(".pkl")]
        if len(pickles) != 1 or not pickles[0].filename.endswith("data.pkl"):
            raise UserError("it has no data.pkl, or other pickles and programs beside it")
        if pickles[0].file_size > MAX_PICKLE_BYTES:
            raise UserError("its description of the tensors is absurdly long")
        with archive.open(pickles[0]) as file:
            _check_pickle(file)
        return {member.file_size for member in members}


def _check_pickle(file: Any) -> None:
    """Refuse one pickle that names anything but parts of tensors and numbers."""
    stream: BinaryIO = file
    opcodes = pickletools.genops(stream)
    for count, (opcode, argument, _) in enumerate(opcodes):
        if count > MAX_OPCODES:
            raise UserError("its description of the tensors is absurdly long")
        if opcode.name in ("GLOBAL", "INST", "STACK_GLOBAL", "EXT1", "EXT2", "EXT4"):
            name = argument if opcode.name in ("GLOBAL", "INST") else "a name given at run time"
            if name not in _NAMES:
                told = re.sub(r"[^\w. ]", "?", str(name))[:60].replace(" ", ".", 1)
                raise UserError(f"it asks for {told}, no part of a tensor; nothing was executed")


class _Copy:
    """Plain copies of what was loaded, with bounds on depth, count and bytes."""

    def __init__(self, file_bytes: int, lengths: set[int] | None) -> None:
        self.lengths = lengths
        self.values_left = MAX_VALUES
        self.bytes_left = 2 * file_bytes

    def of(self, value: Any, depth: int = 0) -> Any:
        self.values_left -= 1
        if depth > MAX_DEPTH or self.values_left < 0:
            raise UserError(
                f"it is nested over {MAX_DEPTH} deep, or holds over {MAX_VALUES} values"
            )
        if isinstance(value, Tensor):
            return self.tensor(value)
        if isinstance(value, dict):
            if not all(isinstance(key, str | int) for key in value):
                raise UserError("the keys of a table in it are not text")
            return {str(key): self.of(entry, depth + 1) for key, entry in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(entry, depth + 1) for entry in value]
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise UserError(f"it holds a {type(value).__name__}, no tensor, number or text")

    def tensor(self, value: Tensor) -> Tensor:
        if value.layout is not torch.strided or value.device.type != "cpu":
            raise UserError("a tensor in it is sparse or has no values")
        size, stored = value.numel() * value.element_size(), value.untyped_storage().nbytes()
        if self.lengths is not None and stored not in self.lengths:
            raise UserError(f"the values of a tensor in it are not {stored:,} bytes, as it claims")
        if size > stored:
            raise UserError(
                f"a tensor {tuple(value.shape)} in it claims {size:,} bytes of which {stored:,} "
                "are stored"
            )
        self.bytes_left -= size
        if self.bytes_left < 0:
            raise UserError("its tensors claim more bytes than the file has")
        return value.detach().clone(memory_format=torch.contiguous_format)
