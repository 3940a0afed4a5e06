"""`ddbench regress`: has the program's accuracy changed?"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from .parser import VerbParser

if TYPE_CHECKING:
    from ..records.record import Record

SUMMARY = "run a small fixed grid and compare it with what it gave before"
FILE = Path("leaderboards") / "regression.json"
WORKERS = 2
HEADERS = ["cell", "measured", "reference %", "now %", "drift", "band", "verdict"]


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = "ddbench regress [--update --reason TEXT] [repository=FOLDER]"
    parser.description = """\
Runs a small fixed grid in a minute or two, from nothing, and compares it with the reference
leaderboards/regression.json. Exit status 0: every accuracy and peak memory lies in its band; 1:
one left it, which is named. --update accepts what is measured now as the new reference."""
    parser.epilog = """\
examples
  ddbench regress
  ddbench regress --update --reason "DM draws its images by class"
"""
    parser.flag("update", "accept what is measured now")
    parser.option("reason", "TEXT", "why the reference changes")
    parser.option("repository", "FOLDER", "a checkout (default: the working directory)", ".")
    parser.set_defaults(work=regress)


def regress(given: Namespace) -> int:
    """Run the grid; 0 when everything lies in its band, 1 when something left it."""
    from importlib.resources import files

    from tabulate import tabulate

    from ..records.units import duration
    from ..runtime.device import Execution
    from ..runtime.environment import environment
    from ..store.files import write_json
    from ..studies.regression import (
        Reference,
        compare,
        failed_gates,
        load_grid,
        load_reference,
        run_grid,
    )

    update, reason, repository = given.update, given.reason or "", Path(given.repository)
    if update != bool(reason.strip()):
        raise UserError("give --update and --reason TEXT together: a new reference needs a reason")
    if not repository.is_dir():
        raise UserError(
            f"repository={given.repository}: no such folder; give a checkout of ddbench"
        )
    own = repository / FILE
    path = own if own.exists() or update else Path(str(files("ddbench.leaderboards"))) / FILE.name
    reference = None if update else load_reference(path)
    if update and not own.parent.is_dir():
        raise UserError(f"{own.parent} is no folder: give repository=FOLDER, a checkout of ddbench")
    grid, began = load_grid(), time.monotonic()
    now = run_grid(grid, in_two_processes)
    print(f"{len(grid.cells)} cells, {len(grid.seeds)} seeds: {duration(time.monotonic() - began)}")
    if reference is None:
        failed = failed_gates(grid, now)
        if failed:
            raise UserError(f"the reference is left as it was: {'; '.join(failed)}")
        surroundings = environment(Execution.start("cpu", None))
        told = {name: surroundings[name] for name in ("packages", "python", "platform")}
        write_json(own, Reference(now, told, reason).plain())
        print(f"accepted as reference: {own}")
        return 0
    verdict = compare(grid, reference, now)
    print(tabulate(verdict.rows, HEADERS, tablefmt="simple", disable_numparse=True))
    for line in verdict.accuracy:
        print(f"accuracy: {line}")
    for line in verdict.memory:
        print(f"memory: {line}")
    red = bool(verdict.accuracy or verdict.memory)
    print("red: something left its band" if red else "green: everything lies in its band")
    return int(red)


def in_two_processes(runs: Sequence[list[str]]) -> Iterator[Record]:
    """The records of runs in an empty store, made two at a time; each uses one thread."""
    import multiprocessing
    import tempfile
    from concurrent.futures import ProcessPoolExecutor

    from ..api import run

    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="ddbench-regress-") as store,
        ProcessPoolExecutor(WORKERS, mp_context=context) as pool,
    ):
        jobs = [pool.submit(run, [*words, f"runs_root={store}"], quiet=True) for words in runs]
        for words, job in zip(runs, jobs, strict=True):
            record = job.result()
            print(f"done: {' '.join(words)}", flush=True)
            yield record
