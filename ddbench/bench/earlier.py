"""The names that earlier versions of ddbench have for what the benchmark uses.

Every other module of this folder uses the present names. `child` puts the folder into another
ddbench, perhaps an earlier one, which is given the present names here.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Sequence
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

PACKAGE = __name__.partition(".")[0]
MOVED = {
    "distilling.registry": "plugins",
    "distilling.task": "task",
    "models.spec": "models.model",
    "runs.compose": "cli.compose",
    "runs.execute": "runner",
    "runtime.meters": "meters",
    "runtime.randomness": "randomness",
    "teachers.pool": "networks",
    "teachers.train": "networks",
}
"""Modules of the earliest version that can be compared, by their present names."""
ROOMS = ("configs", "methods", "evaluators", "leaderboards")


def whereabouts(package: ModuleType) -> dict[str, str | None]:
    """The folder of a ddbench, and its commit if it is a checkout."""
    folder = Path(str(package.__file__)).resolve().parent
    command = ["git", "-C", str(folder), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=10)
        commit = done.stdout.strip() or None
    except (OSError, subprocess.SubprocessError):
        commit = None
    return {"folder": str(folder), "commit": commit}


def take_rooms_beside(package: ModuleType) -> None:
    """Make a checkout that is on the path use its own methods and recipes.

    They are beside its folder `ddbench`, where Python does not look; it would use installed ones
    instead, perhaps from another checkout.
    """
    folder = Path(str(package.__file__)).resolve().parent
    if not (folder.parent / "pyproject.toml").is_file():
        return
    for room in ROOMS:
        name, file = f"{package.__name__}.{room}", folder.parent / room / "__init__.py"
        if name in sys.modules or not file.is_file():
            continue
        spec = spec_from_file_location(name, file, submodule_search_locations=[str(file.parent)])
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
        setattr(package, room, sys.modules[name])


def give_present_names(package: ModuleType) -> None:
    """Make the present names available in an earlier ddbench."""
    # Look for files, since an import may find a missing module in another installation.
    if (Path(str(package.__file__)).parent / "runs").is_dir():
        return
    for present, earlier in MOVED.items():
        sys.modules[f"{PACKAGE}.{present}"] = _module(earlier)
    compose: Any = _module("cli.compose")
    compose.request_of = _request_of


def _request_of(words: Sequence[str]) -> Any:
    """What `request_of` in `runs.compose` does, step by step."""
    compose: Any = _module("cli.compose")
    compose.register()
    compose.check_overrides(words)
    config = compose.compose_config(words)
    return _module("config").request_from(config, config.hydra.runtime.choices)


def _module(name: str) -> Any:
    return importlib.import_module(f"{PACKAGE}.{name}")
