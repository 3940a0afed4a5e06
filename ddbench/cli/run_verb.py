"""`ddbench run`: one run, a sweep of many cells, or a study of several sweeps."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from ..records.report import sweep_table
from ..runs.compose import check_overrides, given_value, register, study_named
from ..runtime.folders import runs_root
from ..store.files import check_writable
from .sweep import DONE, single, sweep, worst

FLAGS = ("-m", "--multirun")


def run(arguments: Sequence[str]) -> int:
    """Do what the arguments say and return an exit status.

    Raises:
        UserError: for a mistake that can be seen before any work.
    """
    flags = [argument for argument in arguments if argument in FLAGS]
    overrides = [argument for argument in arguments if argument not in FLAGS]
    for problem in register():
        print(f"ddbench: {problem}", file=sys.stderr)
    study = study_named(overrides)
    if study is not None:
        from .study_verb import run_study

        return run_study(study, overrides)
    check_overrides(overrides, sweep=bool(flags))
    root = runs_root(given_value(overrides, "runs_root"))
    if flags or not root.is_dir():  # a finished run is shown from a disk that is read only
        check_writable(root)
    if not flags:
        return single(overrides, root)
    cells = sweep(overrides, root)
    if any(cell.record for cell in cells):
        print(f"\n{sweep_table([(cell.title, cell.record) for cell in cells])}")
    done = [cell.status for cell in cells].count(DONE)
    print(f"\nsweep: {done} of {len(cells)} cells done", flush=True)
    return worst(cells)
