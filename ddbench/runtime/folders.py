"""The two folders outside the repository: runs with their artefacts, and datasets."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs


def runs_root(given: str | None) -> Path:
    """The folder of runs: as given, else DDBENCH_RUNS, else ./runs."""
    return Path(given or os.environ.get("DDBENCH_RUNS") or "runs").expanduser()


def data_root(given: str | None) -> Path:
    """The folder of datasets: as given, else DDBENCH_DATA, else the user's cache folder."""
    root = given or os.environ.get("DDBENCH_DATA") or platformdirs.user_cache_dir("ddbench")
    return Path(root).expanduser()
