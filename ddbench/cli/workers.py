"""Run several cells of a sweep at once on this machine, each in a process of its own.

Processes are forked from one that has imported everything and computed nothing: a cell starts in a
few hundredths of a second, and its cost does not depend on the cells before it.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.forkserver
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING, Any

from ..errors import StopRequested, UserError, shown
from ..runtime.cores import share_of_cores

if TYPE_CHECKING:
    from .cell import Asked, Cell, Sweep

PRELOADED = f"{__package__}.preloaded"
"""The module imported by the process from which workers are forked."""
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
MOST_TRIES = 2
"""Most tries of a cell whose process vanishes, as it does when memory runs out."""


def workers_asked(text: str) -> int:
    """The number of workers asked for.

    Raises:
        UserError: for anything that is not a number of workers.
    """
    if not text.isdecimal() or not 1 <= int(text[:5]) <= 1024:
        raise UserError(f"workers={shown(text)}: give a number from 1 to 1024")
    return int(text)


def import_beforehand(workers: int) -> None:
    """Start the process from which workers are forked, which imports what they need."""
    if METHOD == "forkserver":
        multiprocessing.set_forkserver_preload([PRELOADED, __name__])
        with share_of_cores(workers):
            multiprocessing.forkserver.ensure_running()


@dataclass
class _Working:
    cell: Cell
    process: BaseProcess
    begun: float


def do_in_processes(
    cells: Sequence[Cell],
    sweep: Sweep,
    asked: Mapping[Cell, Asked],
    workers: int,
    quiet: bool = False,
) -> None:
    """Do several cells at once; a line is printed when one ends.

    Args:
        cells: the cells to do.
        sweep: the sweep they belong to.
        asked: the run of each, or what is wrong with it.
        workers: how many processes work at once.
        quiet: print only what goes wrong.

    Raises:
        StopRequested: when asked to stop, after the processes were asked, too, and have ended.
    """
    from ..runtime.interrupt import StopFlag
    from ..runtime.runtime import POLL_SECONDS

    context: Any = multiprocessing.get_context(METHOD)
    left, tries = deque(cells), dict.fromkeys(cells, 0)
    working: list[_Working] = []
    with StopFlag().listening() as stop, share_of_cores(workers):
        try:
            while left or working:
                while left and len(working) < workers:
                    cell = left.popleft()
                    tries[cell] += 1
                    process = context.Process(target=_work, args=(cell, sweep, asked[cell]))
                    process.start()
                    working.append(_Working(cell, process, time.monotonic()))
                wait([one.process.sentinel for one in working], POLL_SECONDS)
                stop.check()
                for done in [one for one in working if not one.process.is_alive()]:
                    working.remove(done)
                    seconds = time.monotonic() - done.begun
                    if _has_left_something(done, sweep, seconds, tries[done.cell], quiet):
                        continue
                    if tries[done.cell] < MOST_TRIES:
                        left.append(done.cell)
        except BaseException:
            for one in working:
                one.process.terminate()
            for one in working:
                one.process.join()
            raise


def _work(cell: Cell, sweep: Sweep, asked: Asked) -> None:
    """Do a cell, printing only what goes wrong; end the process when asked to stop."""
    from ..runtime.output import drop_what_is_left, steady_output
    from .cell import do_cell, given

    try:
        with steady_output():
            do_cell(cell, sweep, lambda: given(asked), quiet=True)
    except StopRequested as stop:
        sys.exit(128 + stop.signal_number)
    finally:
        drop_what_is_left()


def _has_left_something(
    done: _Working, sweep: Sweep, seconds: float, tries: int, quiet: bool
) -> bool:
    """Print how a cell ended; returns whether it wrote that to a file, and did not vanish."""
    from ..records.units import duration
    from .cell import ending
    from .ending import DONE, note

    left = ending(done.cell, sweep)
    if left is None:
        again = "; it is tried again" if tries < MOST_TRIES else ""
        status = done.process.exitcode
        note(f"{done.cell.label}: its process ended with exit status {status}{again}")
    elif quiet:
        pass
    elif left.held is not None:
        print(f"{done.cell.label}: another process is working on it", flush=True)
    elif left.status == DONE and left.ran:
        print(f"{done.cell.label}: done in {duration(seconds)}", flush=True)
    return left is not None
