"""Where a number came from: packages, drivers, machine and source revision."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import Any

from .device import Execution

PACKAGES = ("ddbench", "torch", "torchvision", "timm", "numpy", "hydra-core", "scipy")


def environment(execution: Execution) -> dict[str, Any]:
    """What is recorded of the surroundings and never part of a key."""
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
    """The git commit of this program's source and whether it was changed; None if unknown."""
    folder = Path(__file__).resolve().parent
    try:
        root = _git(folder, "rev-parse", "--show-toplevel")
        if not (Path(root) / "ddbench" / "runtime" / "environment.py").exists():
            raise OSError("installed inside some other repository")
        dirty = bool(_git(folder, "status", "--porcelain", "--untracked-files=no"))
        return {"git_commit": _git(folder, "rev-parse", "HEAD"), "git_dirty": dirty}
    except (OSError, subprocess.SubprocessError):
        return {"git_commit": None, "git_dirty": None}


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
    )
    return done.stdout.strip()
