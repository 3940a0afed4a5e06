"""`ddbench regress`: has the program's accuracy changed?"""

from __future__ import annotations

import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from .parser import VerbParser

if TYPE_CHECKING:
    from ..records.record import Record
    from ..studies.history import Step
    from ..studies.regression import CellResult, Reference
    from ..studies.regression_grid import RegressionGrid

SUMMARY = "run a small fixed grid and compare it with what it gave before"
FILE = Path("leaderboards") / "regression.json"
WORKERS = 2
HEADERS = ["cell", "measured", "reference %", "now %", "drift", "band", "verdict"]


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = """\
ddbench regress [--update --reason TEXT] [repository=FOLDER]
       ddbench regress --grid FILE [--update --reason TEXT] [--reference FILE] [--history FILE]"""
    parser.description = """\
Runs a small fixed grid in a minute or two, from nothing, and compares it with what it gave when it
was last accepted: ddbench's own grid with leaderboards/regression.json, or one of your own (FILE,
such as regression.yaml) with the reference beside it (regression.json). Each run of your own grid
becomes a line of its history (regression.history.jsonl), in which steps are looked for. Exit status
0: every accuracy and peak memory lies in its band, and no accuracy has stepped down; 1: something
did, which is named. --update accepts what is measured now as the new reference."""
    parser.epilog = """\
examples
  ddbench regress
  ddbench regress --update --reason "DM draws its images by class"
  ddbench regress --grid regression.yaml
"""
    parser.config_dir()
    parser.flag("update", "accept what is measured now")
    parser.option("reason", "TEXT", "why the reference changes")
    parser.option("grid", "FILE", "a grid of your own, or its name among your presets")
    parser.option(
        "reference", "FILE", "what it is compared with (default: the grid's name with .json)"
    )
    parser.option("history", "FILE", "a line for each run (default: its name with .history.jsonl)")
    parser.option("repository", "FOLDER", "a checkout (default: the working directory)", ".")
    parser.set_defaults(work=regress)


@dataclass(frozen=True)
class Places:
    """Where a grid, its reference and its history are.

    Args:
        grid: the grid's file; None: ddbench's own.
        reference: the file that it is compared with.
        accepted: where a new reference goes.
        history: the history's file; None: none is kept.
    """

    grid: Path | None
    reference: Path
    accepted: Path
    history: Path | None


def regress(given: Namespace) -> int:
    """Run the grid; 0 when everything lies in its band, 1 when something left it."""
    from ..records.units import duration
    from ..runs.compose import request_of
    from ..studies.history import append, last_steps, load_history, new_entry
    from ..studies.regression import failed_gates, load_reference, run_grid
    from ..studies.regression_grid import load_grid

    update, reason = given.update, given.reason or ""
    if update != bool(reason.strip()):
        raise UserError("give --update and --reason TEXT together: a new reference needs a reason")
    places = _places(given)
    grid = load_grid(places.grid)
    history = load_history(places.history) if places.history else []
    reference = None if update else load_reference(places.reference)
    for cell in grid.cells:
        try:
            request_of(grid.overrides(cell, grid.seeds[0]))
        except UserError as error:
            raise UserError(f"cell {cell}: {error}") from error
    records: list[Record] = []

    def run_all(runs: Sequence[list[str]]) -> Iterator[Record]:
        for record in in_two_processes(runs):
            records.append(record)
            yield record

    began = time.monotonic()
    now = run_grid(grid, run_all)
    print(f"{len(grid.cells)} cells, {len(grid.seeds)} seeds: {duration(time.monotonic() - began)}")
    if reference is None:
        failed = failed_gates(grid, now)
        if failed:
            raise UserError(f"the reference is left as it was: {'; '.join(failed)}")
        _accept(places.accepted, now, reason)
    if places.history:
        entry = new_entry(now, records, reason if update else None)
        append(places.history, entry)
        history.append(entry)
    if reference is None:
        return 0
    steps = last_steps(grid, history)
    return _judged(grid, reference, now, steps)


def _places(given: Namespace) -> Places:
    if given.grid:
        from ..studies.regression_grid import grid_file

        grid = grid_file(given.grid)
        reference = Path(given.reference or grid.with_suffix(".json"))
        history = Path(given.history or grid.with_suffix(".history.jsonl"))
        if reference.resolve() == grid.resolve():
            raise UserError(f"{grid} is the grid; choose another file with --reference FILE")
        return Places(grid, reference, reference, history)
    for name in ("reference", "history"):
        if getattr(given, name):
            raise UserError(f"{name}: only a grid of your own has one, with --grid FILE")
    from importlib.resources import files

    repository = Path(given.repository)
    if not repository.is_dir():
        raise UserError(
            f"repository={given.repository}: no such folder; give a checkout of ddbench"
        )
    own = repository / FILE
    if given.update and not own.parent.is_dir():
        raise UserError(
            f"{own.parent} is not a folder: give repository=FOLDER, a checkout of ddbench"
        )
    installed = Path(str(files("ddbench.leaderboards"))) / FILE.name
    return Places(None, own if own.exists() else installed, own, None)


def _accept(path: Path, now: dict[str, CellResult], reason: str) -> None:
    from ..runtime.device import Execution
    from ..runtime.environment import environment
    from ..store.files import check_target, write_json
    from ..studies.regression import Reference

    surroundings = environment(Execution.start("cpu", None))
    told = {name: surroundings[name] for name in ("packages", "python", "platform")}
    check_target(path, "--reference FILE")
    write_json(path, Reference(now, told, reason).plain())
    print(f"accepted as reference: {path}")


def _judged(
    grid: RegressionGrid, reference: Reference, now: dict[str, CellResult], steps: Sequence[Step]
) -> int:
    """Print how a grid compares with its reference and history; returns the exit status."""
    from tabulate import tabulate

    from ..studies.regression import compare

    verdict = compare(grid, reference, now)
    print(tabulate(verdict.rows, HEADERS, tablefmt="simple", disable_numparse=True))
    for line in verdict.accuracy:
        print(f"accuracy: {line}")
    for line in verdict.memory:
        print(f"memory: {line}")
    for step in steps:
        print(f"step: {step}")
    red = verdict.accuracy or verdict.memory or any(step.after < step.before for step in steps)
    print("red: something left its band or fell" if red else "green: everything lies in its band")
    return int(bool(red))


def in_two_processes(runs: Sequence[list[str]]) -> Iterator[Record]:
    """The records of runs in an empty store, made two at a time; each uses one thread."""
    import multiprocessing
    import tempfile
    from concurrent.futures import ProcessPoolExecutor

    from ..api import run
    from ..plugins.presets import given_folder
    from ..runs.overrides import as_overrides

    shared = as_overrides({"config_dir": given_folder()}) if given_folder() else []
    context = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(prefix="ddbench-regress-") as store,
        ProcessPoolExecutor(WORKERS, mp_context=context) as pool,
    ):
        shared += as_overrides({"runs_root": store})
        jobs = [pool.submit(run, [*words, *shared], quiet=True) for words in runs]
        for words, job in zip(runs, jobs, strict=True):
            record = job.result()
            print(f"done: {' '.join(words)}", flush=True)
            yield record
