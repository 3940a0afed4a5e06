"""Files of arrays: whichever byte is damaged, the file is read or refused in one line."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ddbench.data.formats.msgpack_file import read_msgpack
from ddbench.data.formats.numpy_file import read_npy, read_npz
from ddbench.data.formats.torch_file import read_torch_file
from ddbench.errors import UserError

IMAGES, LABELS = np.arange(4, dtype=np.float32).reshape(2, 1, 1, 2), np.array([0, 1])


def written(write: Callable[[io.BytesIO], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


def msgpack_array(data: bytes) -> bytes:
    """An array of two numbers as flax writes it, in a table."""
    inner = b"\x93\x91\x02\xa7float32\xc4\x08" + data
    return b"\x81\xa6images\xc7" + bytes([len(inner)]) + b"\x01" + inner


FILES: dict[str, tuple[Callable[[Path], Any], bytes]] = {
    "npy": (read_npy, written(lambda file: np.save(file, IMAGES))),
    "npz": (read_npz, written(lambda file: np.savez(file, images=IMAGES, labels=LABELS))),
    "compressed npz": (
        read_npz,
        written(lambda file: np.savez_compressed(file, images=IMAGES, labels=LABELS)),
    ),
    "torch": (read_torch_file, written(lambda file: torch.save(torch.zeros(2), file))),
    "torch before archives": (
        read_torch_file,
        written(
            lambda file: torch.save(torch.zeros(2), file, _use_new_zipfile_serialization=False)
        ),
    ),
    "msgpack": (read_msgpack, msgpack_array(IMAGES.tobytes()[:8])),
}


@pytest.mark.parametrize("name", FILES)
def test_an_undamaged_file_is_read(name: str, tmp_path: Path) -> None:
    read, whole = FILES[name]
    path = tmp_path / "images"
    path.write_bytes(whole)
    assert read(path) is not None


@pytest.mark.parametrize("bits", [0xFF, 0x01], ids=hex)
@pytest.mark.parametrize("name", FILES)
def test_whichever_byte_differs_the_file_is_read_or_refused_in_one_line(
    name: str, bits: int, tmp_path: Path
) -> None:
    read, whole = FILES[name]
    path = tmp_path / "images"
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ bits]) + whole[place + 1 :])
        refused = str(path)
        try:
            read(path)
        except UserError as error:
            refused = str(error)
        assert str(path) in refused, place
        assert refused.isprintable(), place


@pytest.mark.parametrize(
    "shape", [(0, 2**63), (2**64, 0), (0,) * 70, (-1, 0), (0, 9**500)], ids=lambda shape: len(shape)
)
def test_a_shape_that_no_array_has_is_refused_in_one_line(
    shape: tuple[int, ...], tmp_path: Path
) -> None:
    header = repr({"descr": "<f4", "fortran_order": False, "shape": shape}).encode()
    path = tmp_path / "images.npy"
    path.write_bytes(b"\x93NUMPY\x02\x00" + len(header).to_bytes(4, "little") + header)
    with pytest.raises(UserError) as caught:
        read_npy(path)
    assert str(path) in str(caught.value)
    assert len(str(caught.value)) < len(str(path)) + 200
