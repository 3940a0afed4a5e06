"""What every importer promises: it reads untrusted files, and none of them does harm."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from ..distilling.importing.importer import ImportedSet, Importer
from ..distilling.importing.registry import IMPORTERS
from ..distilling.importing.source import Source
from ..errors import UserError
from .common import format_checks
from .promise import Check, require


class _Trap:
    """An object whose pickle touches a file when it is loaded."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.canary,)


def random_bytes_are_not_recognised(name: str, folder: Path) -> None:
    """Noise is not recognised as a format."""
    for suffix in ("pt", "npz", "safetensors", "bin"):
        path = _written(folder, name, f"noise.{suffix}", np.random.default_rng(0).bytes(4096))
        require(_met(name, path) is None, f"it reads a set out of noise called *.{suffix}")


def code_in_a_file_is_not_run(name: str, folder: Path) -> None:
    """Code in a pickle is not run."""
    canary = folder / name / "canary"
    trap = pickle.dumps({"data": [_Trap(canary)], "images": _Trap(canary)})
    for path in _pickles(folder, name, trap):
        _met(name, path)
        require(not canary.exists(), f"it ran code of {path.name}")


def cut_files_are_answered(name: str, folder: Path) -> None:
    """Truncated files are refused in one line."""
    for path, whole in _whole_files(folder, name):
        for share in (0.3, 0.9):
            path.write_bytes(whole[: int(share * len(whole))])
            _met(name, path)


def objects_that_are_not_a_set_are_answered(name: str, folder: Path) -> None:
    """Objects in memory are recognised or refused, and cause no failure."""
    for thing in ({}, {"images": 3}, [], [None, None], torch.zeros(3), (torch.zeros(0, 3, 2, 2),)):
        _answer(name, thing)


def _met(name: str, path: Path) -> ImportedSet | None:
    """The set that the importer reads from a file; None if it does not recognise or refuses it."""
    return _answer(name, path)


def _answer(name: str, given: object) -> ImportedSet | None:
    importer = IMPORTERS[name]()
    try:
        source = Source(given)
        return importer.read(source) if importer.recognises(source) else None
    except UserError as error:
        require("\n" not in str(error), f"its refusal has several lines: {error}")
        return None


def _written(folder: Path, name: str, file: str, data: bytes) -> Path:
    path = folder / name / file
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _pickles(folder: Path, name: str, data: bytes) -> Iterator[Path]:
    yield _written(folder, name, "data.pt", data)
    yield _written(folder, name, "data.pkl", data)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("data/data.pkl", data)
        file.writestr("data/version", "3")
    yield _written(folder, name, "archive.pt", archive.getvalue())


def _whole_files(folder: Path, name: str) -> Iterator[tuple[Path, bytes]]:
    images, labels = np.zeros((10, 3, 8, 8), np.float32), np.arange(10)
    packed = io.BytesIO()
    np.savez(packed, images=images, labels=labels)
    yield _written(folder, name, "set.npz", packed.getvalue()), packed.getvalue()
    saved = io.BytesIO()
    torch.save({"data": [[torch.from_numpy(images), torch.from_numpy(labels)]]}, saved)
    yield _written(folder, name, "set.pt", saved.getvalue()), saved.getvalue()


CHECKS = (
    *format_checks(IMPORTERS, Importer),
    Check("finds no set in noise", random_bytes_are_not_recognised),
    Check("runs no code of a file", code_in_a_file_is_not_run),
    Check("answers files that are cut off in one line", cut_files_are_answered),
    Check("answers objects that are not a set", objects_that_are_not_a_set_are_answered),
)
