"""What a source is, by its first bytes."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from ddbench.distilling.importing.source import Source
from ddbench.errors import UserError


@pytest.mark.parametrize("beginning", [2, 3, 4, 5])
def test_safetensors_are_known_whatever_the_length_of_their_header(
    beginning: int, tmp_path: Path
) -> None:
    # The length comes first, and 0x0280 begins like a pickle.
    path = tmp_path / "set.safetensors"
    for length in range(256 * beginning, 256 * (beginning + 1), 8):
        header = json.dumps({"x": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}})
        path.write_bytes(struct.pack("<Q", length) + header.ljust(length).encode() + b"\x00")
        assert Source(path).kind == "safetensors", length


@pytest.mark.parametrize("name", ["", "a\x00b", "a" * 5000])
def test_a_name_that_no_file_can_have_is_one_line(name: str) -> None:
    with pytest.raises(UserError, match=r"\A.+\Z"):
        Source(name)
