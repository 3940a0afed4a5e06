"""Find where the arrays of a pickle are in its file, without unpickling anything.

Unpickling runs whatever a file asks for. Data sets that are published as pickles hold only a
dictionary of lists and NumPy arrays, so the opcodes are interpreted symbolically: no name is looked
up, nothing is imported or called, and anything that such a file does not need is refused. Long
strings, which are the arrays' bytes, are not even read: their positions are recorded, so that they
can be memory-mapped.
"""

from __future__ import annotations

import pickletools
import re
import struct
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from ...errors import UserError

MAX_OPCODES = 4_000_000
"""A batch of 128,116 labels has well under a tenth of this."""
_MAX_LINE = 4096
_INLINE_BYTES = 64
_LENGTHS = {
    pickletools.TAKEN_FROM_ARGUMENT1: "<B",
    pickletools.TAKEN_FROM_ARGUMENT4: "<i",
    pickletools.TAKEN_FROM_ARGUMENT4U: "<I",
    pickletools.TAKEN_FROM_ARGUMENT8U: "<Q",
}
_OPCODES = {opcode.code.encode("latin-1"): opcode for opcode in pickletools.opcodes}
_PUSHED = {
    *("BININT", "BININT1", "BININT2", "INT", "LONG", "BINSTRING", "SHORT_BINSTRING"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_TUPLES = {"EMPTY_TUPLE": 0, "TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_RECONSTRUCT, _FROM_BUFFER, _NDARRAY, _DTYPE, _ENCODE = range(5)
_NAMES = {
    ("numpy.core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy._core.multiarray", "_reconstruct"): _RECONSTRUCT,
    ("numpy.core.numeric", "_frombuffer"): _FROM_BUFFER,
    ("numpy._core.numeric", "_frombuffer"): _FROM_BUFFER,
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _DTYPE,
    ("_codecs", "encode"): _ENCODE,
}
_DTYPE_NAME = re.compile("[uif][1248]")


@dataclass(frozen=True)
class Span:
    """A string in the file.

    Attributes:
        offset: of its first byte.
        length: in bytes, as stored.
        inline: its content if it is short, else None.
        is_latin1: each byte is stored as the UTF-8 form of the Latin-1 character with that code,
            which is how Python 3 writes bytes in protocols below 3.
    """

    offset: int
    length: int
    inline: bytes | None
    is_latin1: bool = False


@dataclass
class StoredArray:
    """An array in the file, C-contiguous; `buffer` has its bytes."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    buffer: Span


@dataclass(frozen=True)
class _Symbol:
    """A name on the allow-list; it refers to nothing that could be called."""

    meaning: int


class _Unfinished:
    """An array or a number type whose state is still to come."""

    def __init__(self, meaning: int, dtype: str = "") -> None:
        self.meaning = meaning
        self.dtype = dtype
        self.array: StoredArray | None = None


class _Refused(Exception):
    """Why a pickle cannot be read, in words."""


def read_layout(path: Path) -> dict[str, Any]:
    """The dictionary in a pickle: arrays as `StoredArray`, lists of integers as lists.

    Args:
        path: a file in any pickle protocol from 2 to 5, written by Python 2 or 3.

    Raises:
        UserError: one line, if the file is cut short, damaged, or holds anything else.
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        try:
            found = _Machine(file, path.stat().st_size).run()
        except _Refused as refusal:
            raise UserError(f"{path} is not a batch of images: {refusal}") from None
        except (ValueError, IndexError, KeyError, TypeError, struct.error, OverflowError):
            raise UserError(
                f"{path} is not a batch of images: damaged near byte {file.tell()}"
            ) from None
    return found


class _Machine:
    """Follows opcodes on a stack of harmless values."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self.file = file
        self.size = size
        self.stack: list[Any] = []
        self.marks: list[list[Any]] = []
        self.memo: dict[int, Any] = {}

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes; the readers of pickletools need this and `readline`."""
        data = self.file.read(count)
        if len(data) != count:
            raise _Refused("the file is cut short")
        return data

    def readline(self) -> bytes:
        """A line of limited length."""
        return self.file.readline(_MAX_LINE)

    def run(self) -> dict[str, Any]:
        for _ in range(MAX_OPCODES):
            opcode = _OPCODES.get(self.read(1))
            if opcode is None:
                raise _Refused(f"damaged near byte {self.file.tell()}")
            if opcode.name == "STOP":
                return self._result()
            self._step(opcode.name, self._argument(opcode))
        raise _Refused("too many opcodes")

    def _result(self) -> dict[str, Any]:
        if self.marks or len(self.stack) != 1 or not isinstance(self.stack[0], dict):
            raise _Refused("it holds no dictionary")
        found = self.stack[0]
        return {
            key: value.array if isinstance(value, _Unfinished) else value
            for key, value in found.items()
        }

    def _argument(self, opcode: pickletools.OpcodeInfo) -> Any:
        if opcode.arg is None:
            return None
        form = _LENGTHS.get(opcode.arg.n)
        if form is None:
            return opcode.arg.reader(self)  # type: ignore[arg-type]
        (length,) = struct.unpack(form, self.read(struct.calcsize(form)))
        offset = self.file.tell()
        if not 0 <= length <= self.size - offset:
            raise _Refused("the file is cut short")
        if length <= _INLINE_BYTES:
            return Span(offset, length, self.read(length))
        self.file.seek(length, 1)
        return Span(offset, length, None)

    def _step(self, name: str, argument: Any) -> None:
        stack = self.stack
        if name in _PUSHED:
            stack.append(argument)
        elif name == "LONG1":
            stack.append(int.from_bytes(argument.inline, "little", signed=True))
        elif name in _CONSTANTS:
            stack.append(_CONSTANTS[name])
        elif name in _TUPLES:
            count = _TUPLES[name]
            stack.append(tuple(self._popped(count)))
        elif name in ("MARK", "TUPLE", "LIST", "APPENDS", "SETITEMS", "DICT"):
            self._marked(name)
        elif name in ("EMPTY_DICT", "EMPTY_LIST"):
            stack.append({} if name == "EMPTY_DICT" else [])
        elif name == "APPEND":
            self._extend(self._popped(1))
        elif name == "SETITEM":
            self._fill(self._popped(2))
        elif name in ("GLOBAL", "STACK_GLOBAL"):
            self._symbol(name, argument)
        elif name == "REDUCE":
            function, arguments = self._popped(2)
            stack.append(_made(function, arguments))
        elif name == "BUILD":
            target, state = stack[-2], stack.pop()
            _build(target, state)
        elif name in ("BINPUT", "LONG_BINPUT", "PUT", "MEMOIZE"):
            self.memo[len(self.memo) if name == "MEMOIZE" else argument] = stack[-1]
        elif name in ("BINGET", "LONG_BINGET", "GET"):
            stack.append(self.memo[argument])
        elif name == "PROTO" and argument not in range(2, 6):
            raise _Refused(f"unknown pickle protocol {argument}")
        elif name not in ("PROTO", "FRAME"):
            raise _Refused(f"it needs the opcode {name}, which no such file has")

    def _popped(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise _Refused(f"damaged near byte {self.file.tell()}")
        cut = len(self.stack) - count
        taken = self.stack[cut:]
        del self.stack[cut:]
        return taken

    def _marked(self, name: str) -> None:
        if name == "MARK":
            self.marks.append(self.stack)
            self.stack = []
            return
        items, self.stack = self.stack, self.marks.pop()
        if name == "TUPLE":
            self.stack.append(tuple(items))
        elif name in ("LIST", "APPENDS"):
            if name == "LIST":
                self.stack.append([])
            self._extend(items)
        else:
            if name == "DICT":
                self.stack.append({})
            self._fill(items)

    def _extend(self, items: list[Any]) -> None:
        if not isinstance(self.stack[-1], list):
            raise _Refused(f"damaged near byte {self.file.tell()}")
        self.stack[-1].extend(items)

    def _fill(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise _Refused(f"damaged near byte {self.file.tell()}")
        for key, value in zip(items[::2], items[1::2], strict=True):
            target[_text(key)] = value

    def _symbol(self, name: str, argument: Any) -> None:
        if name == "GLOBAL":
            module, _, attribute = argument.partition(" ")
        else:
            module, attribute = map(_text, self._popped(2))
        meaning = _NAMES.get((module, attribute))
        if meaning is None:
            told = re.sub(r"[^\w.]", "?", f"{module}.{attribute}")[:60]
            raise _Refused(f"it asks for {told}, which no such file needs; nothing was executed")
        self.stack.append(_Symbol(meaning))


def _text(value: Any) -> str:
    if not isinstance(value, Span) or value.inline is None:
        raise _Refused("a name is not a short text")
    return value.inline.decode("latin-1")


def _made(function: Any, arguments: Any) -> Any:
    """What a call would make, for the calls that build an array."""
    meaning = function.meaning if isinstance(function, _Symbol) else None
    if meaning == _RECONSTRUCT and arguments[0] == _Symbol(_NDARRAY):
        return _Unfinished(_RECONSTRUCT)
    if meaning == _DTYPE:
        name = _text(arguments[0])
        if not _DTYPE_NAME.fullmatch(name):
            raise _Refused("an array is not of numbers")
        return _Unfinished(_DTYPE, name)
    if meaning == _ENCODE and _text(arguments[1]) == "latin1":
        span = arguments[0]
        return Span(span.offset, span.length, span.inline, is_latin1=True)
    if meaning == _FROM_BUFFER:
        buffer, dtype, shape, order = arguments
        array = _Unfinished(_RECONSTRUCT)
        array.array = _array(shape, dtype, _text(order) != "C", buffer)
        return array
    raise _Refused("it calls what no such file needs; nothing was executed")


def _build(target: Any, state: Any) -> None:
    """Give an array its shape, type and bytes, or a type its byte order."""
    if not isinstance(target, _Unfinished):
        raise _Refused("it sets the state of what is not an array; nothing was executed")
    if target.meaning == _DTYPE:
        order = _text(state[1])
        if order not in ("<", ">", "|"):
            raise _Refused("an array is not of numbers")
        target.dtype = order + target.dtype
        return
    _, shape, dtype, is_fortran, buffer = state
    target.array = _array(shape, dtype, is_fortran, buffer)


def _array(shape: Any, dtype: Any, is_fortran: Any, buffer: Any) -> StoredArray:
    if not isinstance(dtype, _Unfinished) or dtype.meaning != _DTYPE or is_fortran:
        raise _Refused("an array is not stored row by row")
    if not all(type(side) is int and side >= 0 for side in shape) or not isinstance(buffer, Span):
        raise _Refused("an array has no shape or no bytes")
    array = StoredArray(np.dtype(dtype.dtype), tuple(shape), buffer)
    wanted = prod(array.shape) * array.dtype.itemsize
    most = 2 * wanted if buffer.is_latin1 else wanted
    if not wanted <= buffer.length <= most:
        raise _Refused(f"an array of shape {array.shape} has {buffer.length} bytes")
    return array
