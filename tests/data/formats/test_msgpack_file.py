"""MessagePack as flax writes it, against bytes put together by hand."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from ddbench.data.formats.msgpack_file import read_msgpack
from ddbench.errors import UserError

ARRAY = b"\x93\x92\x02\x03\xa5int32\xc4\x18" + struct.pack("<6i", *range(6))
WHOLE = (
    b"\x86"
    b"\xa1a\x7f\xa1b\xff\xa1c\xc3"
    b"\xa1d\xcb" + struct.pack(">d", 0.25) + b"\xa1e\x92\xcd\x01\x00\xd1\xff\x00"
    b"\xa1f\xc7" + bytes([len(ARRAY)]) + b"\x01" + ARRAY
)


def read(tmp_path, data):
    path = tmp_path / "checkpoint"
    path.write_bytes(data)
    return read_msgpack(path)


def test_tables_numbers_lists_and_arrays_are_read(tmp_path):
    found = read(tmp_path, WHOLE)
    array = found.pop("f")
    assert found == {"a": 127, "b": -1, "c": True, "d": 0.25, "e": [256, -256]}
    assert np.array_equal(array, np.arange(6, dtype=np.int32).reshape(2, 3))


@pytest.mark.parametrize("length", range(len(WHOLE)))
def test_it_is_refused_wherever_it_is_cut(tmp_path, length):
    with pytest.raises(UserError, match=r"\A[^\n]+\Z"):
        read(tmp_path, WHOLE[:length])


@pytest.mark.parametrize(
    "data",
    [
        WHOLE + b"\x00",
        b"\x81\x01\x02",  # a key that is not text
        b"\x81\xa1a\xc1",  # a code that is never used
        b"\x81\xa1a\xc7\x05\x01\x93\x91\x02\xa1x\xc0",  # no bytes
        WHOLE.replace(b"\x92\x02\x03", b"\x92\x02\x04"),  # a shape too large
        WHOLE.replace(b"int32", b"objec"),
        b"\x91" * 100,
    ],
)
def test_what_is_no_checkpoint_is_refused_in_one_line(tmp_path, data):
    with pytest.raises(UserError, match=r"\A[^\n]+\Z"):
        read(tmp_path, data)
