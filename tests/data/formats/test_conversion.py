"""Converted files: they are as their manifest says, or are reported as damaged."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ddbench.data.formats.conversion import Conversion
from ddbench.errors import UserError


@pytest.fixture
def converted(tmp_path: Path) -> Conversion:
    """Two images of one class."""
    made = Conversion(tmp_path, "train")
    pixels = np.zeros((2, 3, 1, 1), np.uint8)
    made.write("1" * 32, np.zeros(2, np.int64), (3, 1, 1), lambda start: iter([pixels[start:]]), {})
    return made


def test_whichever_bit_of_a_manifest_differs_it_is_damaged_or_says_the_same(
    converted: Conversion,
) -> None:
    whole, told = converted.manifest.read_bytes(), converted.facts(None)
    assert told is not None
    del told["checksum"]
    for place in range(8 * len(whole)):
        changed = bytearray(whole)
        changed[place // 8] ^= 1 << place % 8
        converted.manifest.write_bytes(changed)
        refused = ""
        try:
            found = converted.facts(None)
        except UserError as error:
            refused = str(error)
        else:
            assert found is not None, place
            assert told == {name: found.get(name) for name in told}, place
        assert not refused or refused.startswith(f"{converted.manifest} is damaged"), place


def test_a_manifest_of_an_earlier_version_is_taken(converted: Conversion) -> None:
    values = json.loads(converted.manifest.read_text())
    del values["checksum"]
    converted.manifest.write_text(json.dumps(values))
    assert converted.facts("1" * 32) == values
