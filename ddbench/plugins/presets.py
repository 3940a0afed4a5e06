"""The YAML files of `configs/`, of other packages, and of the user's own folder.

They are presets of a group, such as `experiment/NAME.yaml`, and recipes. ddbench's own are searched
first, so that no other file changes what has been published; then the folder that the user gives
(`config_dir=FOLDER`); then the folder `configs` of each package that provides plugins.
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
"""The environment variable for the folder if none is given."""
ENTRY_POINTS = "ddbench."
"""Prefix of the entry-point groups for plugins, and of `ddbench.configs` for presets alone."""
FOLDER = "configs"
"""The folder of presets in another package."""

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # eight times as fast, if available
_given: ContextVar[Path | None] = ContextVar("config_dir", default=None)


def read_yaml(text: str) -> Any:
    """The plain values of a YAML text.

    Raises:
        yaml.YAMLError: for text that is not YAML.
    """
    return yaml.load(text, _LOADER)


def preset(group: str, name: str) -> Any:
    """The content of `<group>/<name>.yaml`, empty if there is no such file.

    Raises:
        UserError: if the file is not YAML.
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
    """The first file `<group>/<name>.yaml` in search order, or None."""
    candidates = (folder / group / f"{name}.yaml" for folder in folders())
    return next((file for file in candidates if file.is_file()), None)


def preset_names(group: str) -> list[str]:
    """The names of a group's files, sorted."""
    return sorted({name for folder in folders() for name in _names(folder, group)})


def first_comment(group: str, name: str) -> str:
    """The first sentence of a file's opening comment; "" if there is none."""
    file = preset_file(group, name)
    text = file.read_text(encoding="utf-8") if file else ""
    lines = [line[2:] for line in text.splitlines() if line.startswith("# ") and "@" not in line]
    return " ".join(lines).partition(". ")[0].rstrip(".")


def folders() -> tuple[Path, ...]:
    """The folders searched for presets, in this order."""
    given = _given.get()
    return (own_folder(), *([given] if given else []), *package_folders())


def own_folder() -> Path:
    """ddbench's own folder of presets."""
    return Path(str(files("ddbench.configs")))


@contextmanager
def searching(folder: str | Path | None) -> Iterator[None]:
    """Also search a folder for presets while the block runs.

    Args:
        folder: contains `experiment/NAME.yaml` and the like; None: the one searched already, else
            that of `DDBENCH_CONFIGS`, if it is set.

    Raises:
        UserError: if there is no such folder, or a file in it has the name of one of ddbench's own.
    """
    chosen = folder or _given.get() or os.environ.get(VARIABLE) or None
    token = _given.set(_checked(Path(chosen).expanduser()) if chosen else None)
    try:
        yield
    finally:
        _given.reset(token)


def given_folder() -> Path | None:
    """The user's folder, if one is searched."""
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
    """Presets of other packages that are ignored because their names are taken, by name."""
    return {
        file.stem: f"{file} is ignored: the name is taken"
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
