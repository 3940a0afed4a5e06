"""A damaged or hostile file of others is refused in one line or imported, and runs nothing."""

from __future__ import annotations

import importlib.util
import random
from functools import cache
from pathlib import Path

from distilling.importers.examples import EXAMPLES, NOT_FILES, content
from distilling.importers.hostile import HOSTILE

from ddbench.data.dataset import Dataset
from ddbench.distilling.importing.choice import ImportChoice
from ddbench.distilling.importing.convert import import_set
from ddbench.errors import UserError
from ddbench.testing.promise import require

from .attempt import Kind, answer, require_line, require_mistake
from .byte_mutations import cut_short, with_bytes_mutated


def left_out() -> dict[str, str]:
    """The importers that are not tried, with the reason."""
    missing = {
        name: f"{example.needs} is not installed"
        for name, example in EXAMPLES.items()
        if example.needs and importlib.util.find_spec(example.needs) is None
    }
    return missing | dict.fromkeys(sorted(NOT_FILES), "it reads no files")


def attempt(draws: random.Random, folder: Path, kept: Path) -> None:
    """One file of a set is mutated, cut short, or has something hostile in its place."""
    name = draws.choice(sorted(EXAMPLES.keys() - left_out().keys()))
    canary, place = folder / "canary", folder / "set"
    place.mkdir()
    path = EXAMPLES[name].write(place, content(draws.randrange(100)))
    file = draws.choice(sorted(one for one in place.rglob("*") if one.is_file()))
    whole = file.read_bytes()
    match draws.randrange(8):
        case 0:
            file.write_bytes(cut_short(draws, whole))
        case 1:
            file.write_bytes(HOSTILE[draws.choice(sorted(HOSTILE))](canary))
        case 2:
            twin = HOSTILE[draws.choice(sorted(HOSTILE))](canary)[: 2**20]
            file.write_bytes(with_bytes_mutated(draws, twin))
        case _:
            file.write_bytes(with_bytes_mutated(draws, whole))
    try:
        import_set(path, ImportChoice(dataset="digits", **EXAMPLES[name].said), _digits())
    except UserError as error:
        require_line(str(error), path, place)
    require(not canary.exists(), f"{name}: code of the file was run")
    found = answer("inspect", str(path))
    require(not canary.exists(), f"{name}: inspect ran code of the file")
    if found.status != 0:
        require_mistake(found, path, place)


@cache
def _digits() -> Dataset:
    return Dataset.open("digits", {}, Path("/nonexistent"))


KIND = Kind("foreign", attempt, share=2, seconds=300, growth_bytes=2 * 2**30)
