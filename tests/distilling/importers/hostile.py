"""Content that no importer may run, trust or allocate memory for."""

from __future__ import annotations

import io
import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch


class Canary:
    """Unpickled by the usual means, it leaves a file behind."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return os.system, (f"touch {self.path}",)


def archive(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as file:
        for name, data in members.items():
            file.writestr(name, data)
    return buffer.getvalue()


def saved(value: Any, legacy: bool = False) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def npy(shape: tuple[int, ...], data: bytes = b"", kind: str = "<f4", padding: int = 0) -> bytes:
    header = repr({"descr": kind, "fortran_order": False, "shape": shape}) + " " * padding + "\n"
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", len(header)) + header.encode() + data


def objects(canary: Path) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Canary(canary)], dtype=object), allow_pickle=True)
    return buffer.getvalue()


def zipped_objects(canary: Path) -> bytes:
    return archive({"images.npy": objects(canary), "labels.npy": objects(canary)})


def retold(value: Any, old: bytes, new: bytes) -> bytes:
    """A saved tensor with some bytes of its description replaced."""
    with zipfile.ZipFile(io.BytesIO(saved(value))) as file:
        members = {name: file.read(name) for name in file.namelist()}
    found = {name: data.replace(old, new) for name, data in members.items() if "pkl" in name}
    assert any(members[name] != data for name, data in found.items())
    return archive(members | found)


def stretched() -> bytes:
    """Four bytes stored, seen as a million million values with steps of 0."""
    return saved(torch.zeros(1).expand(10**12).view(100, 100, 10**4, 10**4))


def nested(depth: int = 10**6) -> bytes:
    pickled = b"\x80\x02" + b"]" * depth + b"a" * (depth - 1) + b"."
    return archive({"x/data.pkl": pickled, "x/version": b"3\n"})


def claims_bytes() -> bytes:
    """bytearray(20,000,000,000), which torch's own list of harmless names admits."""
    pickled = b"\x80\x02cbuiltins\nbytearray\n\x8a\x05" + (2 * 10**10).to_bytes(5, "little")
    return archive({"x/data.pkl": pickled + b"\x85R.", "x/version": b"3\n"})


IMAGES = torch.zeros(20, 1, 8, 8)
HOSTILE: dict[str, Callable[[Path], bytes]] = {
    "nothing": lambda canary: b"",
    "text": lambda canary: b"hello, I am no data\n",
    "a pointer of git lfs": lambda canary: b"version https://git-lfs.github.com/spec/v1\noid 0\n",
    "a plain pickle with code": lambda canary: pickle.dumps(Canary(canary)),
    "an old plain pickle with code": lambda canary: pickle.dumps(Canary(canary), 0),
    "a torch archive with code": lambda canary: saved({"data": [[IMAGES, Canary(canary)]]}),
    "a torch pickle with code": lambda canary: saved(
        {"data": [[IMAGES, Canary(canary)]]}, legacy=True
    ),
    "code in the key of a table": lambda canary: saved(
        {"data": [[IMAGES, IMAGES]], "x": [Canary(canary)]}
    ),
    "a module": lambda canary: saved(torch.nn.Linear(2, 2)),
    "nested lists": lambda canary: nested(),
    "a claim of gigabytes by a call": lambda canary: claims_bytes(),
    "a stretched tensor": lambda canary: stretched(),
    "a storage that is too short": lambda canary: retold(
        IMAGES, b"M\x00\x05", b"J\x00\x00\x00\x40"
    ),
    "a shape beyond its storage": lambda canary: retold(IMAGES, b"K\x14K\x01", b"M\xff\xffK\x01"),
    "a compressed torch archive": lambda canary: archive(
        {"x/data.pkl": saved(IMAGES), "x/data/0": bytes(10**7)}, zipfile.ZIP_DEFLATED
    ),
    "two pickles": lambda canary: archive(
        {"x/data.pkl": b"\x80\x02N.", "x/constants.pkl": b"\x80\x02N."}
    ),
    "objects of numpy": lambda canary: objects(canary),
    "an archive of objects": lambda canary: zipped_objects(canary),
    "an array of a gigabyte": lambda canary: npy((2**28,)),
    "an array of negative size": lambda canary: npy((-1, 8, 8)),
    "a header of numpy without end": lambda canary: npy((1,), padding=10**6),
    "a header of numpy of a gigabyte": lambda canary: (
        b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**30) + b"{"
    ),
    "an archive of zeros": lambda canary: archive(
        {"images.npy": npy((3 * 10**7,), bytes(3 * 10**7), "|u1")}, zipfile.ZIP_DEFLATED
    ),
    "a header of safetensors of a gigabyte": lambda canary: struct.pack("<Q", 2**30) + b"{}",
    "a header of safetensors that is deep": lambda canary: (
        struct.pack("<Q", 10**6) + b"{" + b"[" * 10**6
    ),
    "a checkpoint of a gigabyte": lambda canary: b"\x81\xa6params\xc9\x40\x00\x00\x00\x01",
    "a checkpoint of many lists": lambda canary: b"\x81\xa6params" + b"\x91" * 10**6,
    "a checkpoint of four thousand million": lambda canary: b"\x81\xa6params\xdd\xff\xff\xff\xff",
    "a checkpoint with another extension": lambda canary: b"\x81\xa6params\xd4\x02\x00",
    "an empty hdf5 file": lambda canary: b"\x89HDF\r\n\x1a\n" + bytes(100),
    "a parquet file": lambda canary: b"PAR1" + bytes(100),
}
"""Contents of files, by what is wrong with them; each is made when it is needed."""
