"""The environment of a result: packages, drivers, machine and source revision."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

from ..plugins.revision import git, is_modified
from .device import Execution

PACKAGES = ("ddbench", "torch", "torchvision", "timm", "numpy", "hydra-core", "scipy")


def environment(execution: Execution) -> dict[str, Any]:
    """Facts about the environment that are recorded and never part of a key."""
    return {
        "cuda": None,
        "driver": None,
        **execution.plain(),
        "packages": {name: _version(name) for name in PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        **_revision(),
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _revision() -> dict[str, Any]:
    """The git commit of this program's source and whether it was modified; None if unknown."""
    folder = Path(__file__).resolve().parent
    try:
        root = Path(git(folder, "rev-parse", "--show-toplevel"))
        if not (root / "ddbench" / "runtime" / "environment.py").exists():
            raise OSError("installed inside some other repository")
        return {"git_commit": git(folder, "rev-parse", "HEAD"), "git_dirty": is_modified(root)}
    except (OSError, subprocess.SubprocessError):
        return {"git_commit": None, "git_dirty": None}
