"""Child processes of tests: forks of one that has imported everything, which start at once."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

CHILD = Path(__file__).with_name("child.py")
IMPORTED_BEFORE_FORKING = [
    "ddbench.cli.run_verb",
    "ddbench.runs.execute",
    "sklearn.datasets",
    "torch._dynamo",
]
PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(IMPORTED_BEFORE_FORKING)


def start_child(*arguments: Any) -> ForkServerProcess:
    """Start `main` of child.py in a process of its own; the arguments are those of `main`."""
    program = "import runpy; runpy.run_path(path)['main'](*arguments)"
    names = {"path": str(CHILD), "arguments": arguments}
    process = PROCESSES.Process(target=exec, args=(program, names))
    process.start()
    return process
