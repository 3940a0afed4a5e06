"""What every exporter promises, checked on a small set of digits."""

from __future__ import annotations

from pathlib import Path

import torch

from ..distilling.distilled_set import DistilledSet
from ..distilling.exporting.exporter import Exporter
from ..distilling.exporting.registry import EXPORTERS
from ..distilling.exporting.write import exported
from ..errors import UserError
from ..runtime.folders import data_root
from .common import format_checks
from .promise import Check, NotApplicable, require


def writes_something(name: str, folder: Path) -> None:
    """The target is a file, or a folder with files."""
    files = _files(_exported(name, folder / name / "first", _set()))
    require(files and all(files.values()), "it writes nothing, or an empty file")


def writes_the_same_again(name: str, folder: Path) -> None:
    """Equal sets give equal files."""
    first, second = (
        _files(_exported(name, folder / name / place, _set())) for place in ("one", "two")
    )
    require(first.keys() == second.keys(), "the same set gives files with different names")
    require(first == second, "the same set gives different bytes")


def leaves_the_set_alone(name: str, folder: Path) -> None:
    """Exporting leaves the set unchanged."""
    distilled = _set()
    before = distilled.to_bytes()
    _exported(name, folder / name / "alone", distilled)
    require(distilled.to_bytes() == before, "it changes the set that it writes")


def _set() -> DistilledSet:
    generator = torch.Generator().manual_seed(0)
    images = torch.rand(20, 1, 8, 8, generator=generator)
    labels = torch.arange(10).repeat_interleave(2)
    return DistilledSet.from_tensors(images, labels, dataset="digits", input_space="normalised")


def _exported(name: str, target: Path, distilled: DistilledSet) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    suffix = EXPORTERS[name].suffix
    path = target.with_suffix(suffix) if suffix else target
    try:
        exported(distilled, name, path, data_root(None))
    except UserError as error:
        if "pip install" in str(error):
            raise NotApplicable(str(error)) from error
        raise
    return path


def _files(target: Path) -> dict[str, bytes]:
    if target.is_file():
        return {target.suffix: target.read_bytes()}
    return {
        file.relative_to(target).as_posix(): file.read_bytes()
        for file in sorted(target.rglob("*"))
        if file.is_file()
    }


CHECKS = (
    *format_checks(EXPORTERS, Exporter),
    Check("writes what it is asked to", writes_something, essential=True),
    Check("writes the same bytes for the same set", writes_the_same_again),
    Check("leaves the set as it was", leaves_the_set_alone),
)
