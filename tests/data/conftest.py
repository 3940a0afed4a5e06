"""Tiny archives in the layouts of published data sets, and one as large as the real thing."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SparseBatch = Callable[[Path, list[int]], None]


def text(value: str) -> bytes:
    encoded = value.encode()
    return b"X" + struct.pack("<I", len(encoded)) + encoded


def write_sparse_batch(path: Path, labels: list[int]) -> None:
    """A pickle (protocol 3) of black images 64x64, whose pixels take no room on the disk."""
    size = 12_288 * len(labels)
    reconstruct = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C\x01b\x87R"
    shape = b"J" + struct.pack("<i", len(labels)) + b"M" + struct.pack("<H", 12_288) + b"\x86"
    state = b"K\x03" + text("|") + b"NNN" + 2 * (b"J" + struct.pack("<i", -1)) + b"K\x00"
    dtype = b"cnumpy\ndtype\n" + text("u1") + b"\x89\x88\x87R(" + state + b"tb"
    data = reconstruct + b"(K\x01" + shape + dtype + b"\x89B" + struct.pack("<I", size)
    with path.open("wb") as file:
        file.write(b"\x80\x03}(" + text("data") + data)
        file.truncate(file.tell() + size)
        file.seek(0, 2)
        numbers = b"".join(b"M" + struct.pack("<H", label) for label in labels)
        file.write(b"tb" + text("labels") + b"](" + numbers + b"eu.")


@pytest.fixture(scope="session")
def sparse_batch() -> SparseBatch:
    return write_sparse_batch


@pytest.fixture
def write_images() -> Callable[..., None]:
    """Write noise as images (any format by suffix) of width x height."""

    def write(folder: Path, names: list[str], size: tuple[int, int] = (64, 64)) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name in names:
            seed = sum(map(ord, f"{folder.name}/{name}"))
            noise = np.random.RandomState(seed).randint(0, 256, (size[1], size[0], 3))
            Image.fromarray(noise.astype(np.uint8)).save(folder / name)

    return write
