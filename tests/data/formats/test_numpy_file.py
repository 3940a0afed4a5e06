"""The header of an array is Python source: whatever it contains is read or refused."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from ddbench.data.formats.numpy_file import read_npy
from ddbench.errors import UserError

HEADERS = {
    "an open bracket": "{'descr': '<f4', 'fortran_order': False, 'shape': (1, ",
    "an open text": "{'descr': '''<f4",
    "a number of thousands of digits": "{'descr': '<f4', 'fortran_order': False, 'shape': (%s,)}"
    % ("9" * 5000),
    "many brackets": "(" * 5000,
    "no text at all": "\x00\x01\x02",
    "a type that there is not": "{'descr': ['x'], 'fortran_order': False, 'shape': (1,)}",
    "a type that is a table": "{'descr': {}, 'fortran_order': False, 'shape': (1,)}",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_header_that_is_no_header_is_refused_in_one_line(header: str, tmp_path: Path) -> None:
    data = header.encode("latin-1") + b"\n"
    path = tmp_path / "images.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(data)) + data + bytes(64))
    with pytest.raises(UserError, match=r"not an array of NumPy|not of plain numbers") as caught:
        read_npy(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 200
