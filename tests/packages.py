"""Packages of plugins in this process: written to a folder, found as installed ones are."""

from __future__ import annotations

import importlib
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

NAME = "orchard"
"""The names of the distribution and of its package."""


class Package:
    """A package in a folder on the path, with the metadata that an installer writes.

    Args:
        folder: an empty folder for it.
        monkeypatch: undoes all changes.
    """

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.name, self.patch = folder, NAME, monkeypatch
        monkeypatch.syspath_prepend(folder)
        for registry in _registries():  # what is installed is looked up once
            monkeypatch.setitem(vars(registry), "_foreign", {})
            monkeypatch.setattr(registry, "problems", {})

    def write(self, files: Mapping[str, str]) -> None:
        """Write modules, and forget those that were imported."""
        for name, text in files.items():
            path = self.folder / self.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        (self.folder / self.name / "__init__.py").touch()
        self.forget()

    def forget(self) -> None:
        """Make its modules be imported again."""
        for module in [one for one in sys.modules if one.partition(".")[0] == self.name]:
            del sys.modules[module]
        importlib.invalidate_caches()
        # Imported here: a test session chooses its threads before torch is loaded.
        from ddbench.plugins.presets import package_folders

        package_folders.cache_clear()

    def install_project(self, project: Path) -> None:
        """Provide what a project's pyproject.toml provides."""
        groups = tomllib.loads((project / "pyproject.toml").read_text())["project"]["entry-points"]
        self.patch.syspath_prepend(project)
        self.install(
            **{
                group.removeprefix("ddbench."): "\n".join(f"{n} = {to}" for n, to in points.items())
                for group, points in groups.items()
            }
        )

    def install(self, **points: str) -> None:
        """Provide plugins: by kind, lines such as "apple = orchard.apple:Apple"."""
        info = self.folder / f"{self.name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {self.name}\nVersion: 1.2\n", encoding="utf-8"
        )
        text = "\n".join(f"[ddbench.{kind}]\n{lines}" for kind, lines in points.items())
        (info / "entry_points.txt").write_text(f"{text}\n", encoding="utf-8")
        importlib.invalidate_caches()
        for registry in _registries():
            vars(registry).pop("_foreign")
        self.forget()


def _registries() -> list[Any]:
    from ddbench.runs.registries import REGISTRIES

    return list(REGISTRIES.values())
