"""A sweep: all combinations of some values, each a run of its own.

Several commands may work on the same cells, on one machine or on several that share a folder of
runs: each skips the cells that another holds, and returns at the end to those still held.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from omegaconf import DictConfig

from ..errors import StopRequested, UserError
from ..runs.compose import check_overrides, composed
from ..runs.execute import disk_trouble_in_one_line
from ..runs.grid import Grid, grid
from ..runs.option_groups import register
from ..runs.overrides import given_value
from ..runs.request import request_from
from ..runs.run_state import is_free
from ..runtime.folders import runs_root
from ..runtime.interrupt import StopFlag
from ..runtime.runtime import POLL_SECONDS
from ..store.files import check_writable
from ..store.store import Store
from ..studies.sweep_tables import Row, cell_table, seed_table
from .cell import (
    STOPPED,
    VANISHED,
    Asked,
    Cell,
    Sweep,
    SweptCell,
    cells_of,
    do_cell,
    ending,
    given,
    swept,
)
from .ending import DONE, FAILURE
from .workers import do_in_processes


@dataclass(frozen=True)
class SweepEnd:
    """How a sweep ended.

    Args:
        cells: how each of its cells ended.
        stopped_by: the signal that asked to stop; None if the sweep came to its end.
    """

    cells: list[SweptCell]
    stopped_by: int | None

    @property
    def found(self) -> int:
        """Cells that were done already, before or by other processes."""
        return sum(one.status == DONE and not one.ran for one in self.cells)

    @property
    def summary(self) -> str:
        """How many cells are done, such as "9 of 12 cells done"."""
        done = sum(one.status == DONE for one in self.cells)
        found = f", {self.found} of them before or elsewhere" if self.found else ""
        stopped = "; stopped: the same command continues" if self.stopped_by else ""
        return f"{done} of {len(self.cells)} cells done{found}{stopped}"

    @property
    def status(self) -> int:
        """0 if every cell is done, 1 if one failed or vanished, else 2; 128 + signal if stopped."""
        if self.stopped_by:
            return 128 + self.stopped_by
        statuses = {one.status for one in self.cells} or {FAILURE}
        return FAILURE if FAILURE in statuses else max(statuses)


def run_sweep(overrides: Sequence[str], workers: int | None = None, quiet: bool = False) -> int:
    """Do all cells of a sweep, then print one table; returns the exit status of the worst.

    Args:
        overrides: the arguments of all cells, some with several values.
        workers: how many processes on this machine work at once; None: this one alone.
        quiet: print nothing about a cell but what goes wrong.

    Raises:
        UserError: for a mistake that can be seen before any work.
    """
    register()
    check_overrides(overrides, sweep=True)
    root = runs_root(given_value(overrides, "runs_root"))
    check_writable(root)
    end = do_grids([grid(overrides)], root, workers, quiet)
    print(f"\n{_tables(end)}\n\nsweep: {end.summary}", flush=True)
    return end.status


def _tables(end: SweepEnd) -> str:
    """Tables by cell and over seeds, if any; if all was finished before, only that over seeds."""
    rows = [Row(one.cell.words, one.cell.title, one.record, one.reason) for one in end.cells]
    over_seeds = seed_table(rows)
    if over_seeds and end.found == len(rows):
        return over_seeds
    return "\n\n".join(filter(None, (cell_table(rows), over_seeds)))


def do_grids(
    grids: Sequence[Grid], root: Path, workers: int | None = None, quiet: bool = False
) -> SweepEnd:
    """Do the cells of grids that have been checked, each cell once.

    Args:
        grids: the grids; the first says how cells are launched.
        root: the folder of runs.
        workers: as in `run_sweep`.
        quiet: as in `run_sweep`.

    Raises:
        UserError: for words that give no configuration, before any work.
    """
    cells, launching = cells_of([words for one in grids for words in one.cells]), grids[0].launching
    if launching and workers:
        raise UserError(f"workers={workers}: {launching[0]} starts processes itself; choose one")
    asked: dict[Cell, Asked] = {}
    for cell in cells:  # a mistake in any is found before any work
        config = composed(cell.words)
        if not launching:  # other machines may have other devices and data
            asked[cell] = _asked(config)
    sweep = Sweep.begin(root)
    sweep.folder.mkdir(parents=True)

    def launch(left: Sequence[Cell]) -> None:
        if launching:
            from .hydra_launcher import do_by_launcher

            do_by_launcher(left, sweep, launching, quiet)
        elif workers:
            do_in_processes(left, sweep, asked, workers, quiet)
        else:
            for cell in left:
                do_cell(cell, sweep, partial(given, asked[cell]), quiet)

    stopped_by = None
    try:
        with disk_trouble_in_one_line():
            _do_all(cells, sweep, launch, quiet)
    except StopRequested as stop:
        stopped_by = stop.signal_number
    except KeyboardInterrupt:
        stopped_by = signal.SIGINT
    missing = STOPPED if stopped_by else VANISHED
    return SweepEnd([swept(cell, sweep, missing) for cell in cells], stopped_by)


def _asked(config: DictConfig) -> Asked:
    """What a cell asks for; an error in this cell alone is reported when its turn comes."""
    try:
        return request_from(config, config.hydra.runtime.choices)
    except UserError as error:
        return error


def _do_all(
    cells: Sequence[Cell], sweep: Sweep, launch: Callable[[Sequence[Cell]], None], quiet: bool
) -> None:
    """Launch cells until no other process holds any of them."""
    held: dict[Cell, str] = {}
    left = list(cells)
    while left:
        for cell in left:
            held.pop(cell, None)
            sweep.file(cell).unlink(missing_ok=True)
        launch(left)
        for cell in left:
            found = ending(cell, sweep)
            if found is not None and found.held is not None:
                held[cell] = found.held
        left = _free(held, sweep.root, quiet) if held else []


def _free(held: dict[Cell, str], root: Path, quiet: bool) -> list[Cell]:
    """The cells that no process holds any more; waits while all are held."""
    store = Store(root)
    free = [cell for cell, key in held.items() if is_free(key, store)]
    if not free:
        if not quiet:
            number = f"{len(held)} of {next(iter(held)).count}"
            print(f"\nwaiting for other processes, which hold {number} cells", flush=True)
        with StopFlag().listening() as stop:
            while not (free := [cell for cell, key in held.items() if is_free(key, store)]):
                stop.wait(POLL_SECONDS)
    return free
