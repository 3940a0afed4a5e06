"""Flax checkpoints: MessagePack with arrays, read strictly and without either library.

An array is an extension of type 1 that holds another MessagePack value: shape, name of the number
type, bytes. Extensions of other types are refused.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError, shortened

MAX_DEPTH = 32
MAX_VALUES = 100_000
_ARRAY = 1
_NUMBERS = {0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q"} | {
    0xD0: ">b", 0xD1: ">h", 0xD2: ">i", 0xD3: ">q",
}  # fmt: skip
_CONSTANTS = {0xC0: None, 0xC2: False, 0xC3: True}
_BYTES = {0xC4: ">B", 0xC5: ">H", 0xC6: ">I"}
_TEXTS = {0xD9: ">B", 0xDA: ">H", 0xDB: ">I"}
_LISTS = {0xDC: ">H", 0xDD: ">I"}
_TABLES = {0xDE: ">H", 0xDF: ">I"}
_EXTENSIONS = {0xC7: ">B", 0xC8: ">H", 0xC9: ">I"}
_FIXED_EXTENSIONS = {0xD4: 1, 0xD5: 2, 0xD6: 4, 0xD7: 8, 0xD8: 16}
_DTYPES = ("float32", "float64", "float16", "int64", "int32", "int16", "int8", "uint8", "uint32")


def read_msgpack(path: Path) -> Any:
    """The content of a checkpoint: dicts and lists of arrays, numbers, text and bytes.

    Raises:
        UserError: one line, for damage, absurd claims, or a value that no checkpoint of arrays has.
        OSError: if it cannot be read.
    """
    data = path.read_bytes()
    try:
        reader = _Reader(memoryview(data))
        value = reader.value()
        if reader.position != len(data):
            raise UserError("more bytes follow")
        return value
    except UserError as error:
        raise UserError(f"{path} is not a checkpoint of arrays: {shortened(str(error))}") from None
    except (struct.error, UnicodeDecodeError, TypeError, ValueError, OverflowError):
        raise UserError(f"{path} is not a checkpoint of arrays: damaged or cut short") from None


class _Reader:
    def __init__(self, data: memoryview, values: int = MAX_VALUES, depth: int = 0) -> None:
        self.data = data
        self.position = 0
        self.values = values
        self.depth = depth

    def take(self, count: int) -> memoryview:
        taken = self.data[self.position : self.position + count]
        if len(taken) != count:
            raise UserError(f"cut short: {count:,} bytes are claimed where {len(taken):,} are left")
        self.position += count
        return taken

    def number(self, form: str) -> Any:
        return struct.unpack(form, self.take(struct.calcsize(form)))[0]

    def value(self) -> Any:
        self.values -= 1
        self.depth += 1
        if self.values < 0 or self.depth > MAX_DEPTH:
            raise UserError(f"over {MAX_DEPTH} levels or {MAX_VALUES} values")
        try:
            return self._value(self.number(">B"))
        finally:
            self.depth -= 1

    def _value(self, code: int) -> Any:
        if code <= 0x7F:
            return code
        if code >= 0xE0:
            return code - 0x100
        if code <= 0x8F:
            return self.table(code & 0x0F)
        if code <= 0x9F:
            return self.list(code & 0x0F)
        if code <= 0xBF:
            return str(self.take(code & 0x1F), "utf-8")
        if code in _CONSTANTS:
            return _CONSTANTS[code]
        if code in _NUMBERS:
            return self.number(_NUMBERS[code])
        if code in _BYTES:
            return self.take(self.number(_BYTES[code]))
        if code in _TEXTS:
            return str(self.take(self.number(_TEXTS[code])), "utf-8")
        if code in _LISTS:
            return self.list(self.number(_LISTS[code]))
        if code in _TABLES:
            return self.table(self.number(_TABLES[code]))
        return self.extension(code)

    def list(self, count: int) -> list[Any]:
        return [self.value() for _ in range(count)]

    def table(self, count: int) -> dict[str, Any]:
        made = {}
        for _ in range(count):
            key = self.value()
            if not isinstance(key, str):
                raise UserError("a key is not text")
            made[key] = self.value()
        return made

    def extension(self, code: int) -> NDArray[Any]:
        if code in _EXTENSIONS:
            length = self.number(_EXTENSIONS[code])
        elif code in _FIXED_EXTENSIONS:
            length = _FIXED_EXTENSIONS[code]
        else:
            raise UserError("damaged")
        kind = self.number(">b")
        if kind != _ARRAY:
            raise UserError(f"it has an extension of type {kind}, which is not an array")
        inner = _Reader(self.take(length), self.values, self.depth)
        shape, name, data = inner.value()
        self.values = inner.values
        if name not in _DTYPES or not all(type(side) is int and side >= 0 for side in shape):
            raise UserError("an array is not of plain numbers")
        dtype = np.dtype(name).newbyteorder("<")
        if math.prod(shape) * dtype.itemsize != len(data):
            raise UserError(f"an array of shape {tuple(shape)} has {len(data):,} bytes")
        return np.frombuffer(data, dtype).reshape(shape).copy()
