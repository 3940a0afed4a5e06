"""`ddbench regress`: has the program's accuracy changed?"""

from __future__ import annotations

import multiprocessing
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.resources import files
from pathlib import Path

from tabulate import tabulate

from ..api import run
from ..errors import UserError
from ..records.record import Record
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
from .arguments import truth, words_and_options

FILE = Path("leaderboards") / "regression.json"
WORKERS = 2
HEADERS = ["cell", "measured", "reference %", "now %", "drift", "band", "verdict"]


def regress(arguments: Sequence[str]) -> int:
    """Run the grid; 0 when everything lies in its band, 1 when something left it."""
    update, reason, repository = _options(arguments)
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


def _options(arguments: Sequence[str]) -> tuple[bool, str, Path]:
    """Whether to update, why, and the checkout to write to."""
    known = ["update", "reason", "repository"]
    words, options = words_and_options(arguments, known, flags=["update"])
    if words:
        raise UserError(
            f"{words[0]!r}: regress takes --update, --reason TEXT and repository=FOLDER"
        )
    update, reason = truth("update", options.get("update", "false")), options.get("reason", "")
    if update != bool(reason.strip()):
        raise UserError("give --update and --reason TEXT together: a new reference needs a reason")
    return update, reason, Path(options.get("repository", "."))
