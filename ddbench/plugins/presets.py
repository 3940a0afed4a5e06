"""The YAML files of `configs/`, and those of other packages and of a folder of one's own.

They are presets of a group, such as `experiment/NAME.yaml`, and recipes. This program's own are
looked for first, so that no other file changes what has been published; then those of a folder that
a person gives (`config_dir=FOLDER`), then the folder `configs` of each package that brings plugins.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from ..errors import UserError

VARIABLE = "DDBENCH_CONFIGS"
"""Of the environment, for the folder where none is given."""
ENTRY_POINTS = "ddbench."
"""How the groups begin through which other packages bring plugins, or `ddbench.configs` alone."""
FOLDER = "configs"
"""Of another package."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # eight times as fast, where it was built
_given: ContextVar[Path | None] = ContextVar("config_dir", default=None)


def read_yaml(text: str) -> Any:
    """The plain values of a YAML text.

    Raises:
        yaml.YAMLError: for what is none.
    """
    return yaml.load(text, _LOADER)


def preset(group: str, name: str) -> Any:
    """The content of `<group>/<name>.yaml`, empty where there is no such file.

    Raises:
        UserError: where a file that is not this program's is no YAML.
    """
    file = preset_file(group, name)
    if file is None:
        return {}
    try:
        return read_yaml(file.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{file} is not YAML: {reason}") from error


def preset_file(group: str, name: str) -> Path | None:
    """The file `<group>/<name>.yaml` that counts, or None."""
    candidates = (folder / group / f"{name}.yaml" for folder in folders())
    return next((file for file in candidates if file.is_file()), None)


def preset_names(group: str) -> list[str]:
    """The names of a group's files, sorted."""
    return sorted({name for folder in folders() for name in _names(folder, group)})


def first_comment(group: str, name: str) -> str:
    """The first sentence of the comment that a file begins with; "" where there is none."""
    file = preset_file(group, name)
    text = file.read_text(encoding="utf-8") if file else ""
    lines = [line[2:] for line in text.splitlines() if line.startswith("# ") and "@" not in line]
    return " ".join(lines).partition(". ")[0].rstrip(".")


def folders() -> tuple[Path, ...]:
    """Where presets are looked for, in this order."""
    given = _given.get()
    return (own_folder(), *([given] if given else []), *package_folders())


def own_folder() -> Path:
    """Of this program."""
    return Path(str(files("ddbench.configs")))


@contextmanager
def searching(folder: str | Path | None) -> Iterator[None]:
    """Look for presets in a folder, too, while the block runs.

    Args:
        folder: with `experiment/NAME.yaml` and the like; None: that of `DDBENCH_CONFIGS`, if that
            is set, or the one that is searched already.

    Raises:
        UserError: where there is no such folder, or a file in it has a name of this program's own.
    """
    chosen = folder or _given.get() or os.environ.get(VARIABLE) or None
    token = _given.set(_checked(Path(chosen).expanduser()) if chosen else None)
    try:
        yield
    finally:
        _given.reset(token)


def given_folder() -> Path | None:
    """The folder that a person gave, if one is searched."""
    return _given.get()


@cache
def package_folders() -> tuple[Path, ...]:
    """The folders `configs` of other packages; none of these packages is imported."""
    points = importlib.metadata.entry_points()
    packages = dict.fromkeys(
        point.value.partition(":")[0].partition(".")[0]
        for group in sorted(points.groups)
        if group.startswith(ENTRY_POINTS)
        for point in points.select(group=group)
    )
    found = [Path(place) / FOLDER for package in packages for place in _places(package)]
    return tuple(folder for folder in found if folder.is_dir())


def preset_problems() -> dict[str, str]:
    """What is passed over in other packages because its name is taken, by name."""
    return {
        file.stem: f"{file} is passed over: the name is taken"
        for folder in package_folders()
        for file in _taken(folder)
    }


def _checked(folder: Path) -> Path:
    if not folder.is_dir():
        raise UserError(f"config_dir={folder}: no such folder")
    for file in _taken(folder):
        raise UserError(f"config_dir: {file} has a name of ddbench's own; choose another")
    return folder.absolute()


def _taken(folder: Path) -> list[Path]:
    own, found = own_folder(), sorted(folder.glob("*/*.yaml"))
    return [file for file in found if (own / file.relative_to(folder)).exists()]


def _places(package: str) -> list[str]:
    try:
        spec = importlib.util.find_spec(package)
    except (ImportError, ValueError):
        return []
    return list(spec.submodule_search_locations or []) if spec else []


def _names(folder: Path, group: str) -> list[str]:
    return [file.stem for file in (folder / group).glob("*.yaml")]
