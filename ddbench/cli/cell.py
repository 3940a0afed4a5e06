"""One cell of a sweep. Wherever it runs, it writes to a file how it ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..errors import UserError
from ..planning.fitting import fitted
from ..records.record import Record
from ..runs.execute import execute
from ..runs.request import RunRequest
from ..runs.run_state import RUN
from ..runtime.runtime import HeldElsewhere
from ..store.files import read_json, write_json
from .ending import FAILURE, ending_of

Asked = RunRequest | UserError
"""The run that the words of a cell ask for, or what is wrong with them."""

VANISHED = "its process ended without a result"
STOPPED = "stopped or not started"


@dataclass(frozen=True)
class Cell:
    """A run of a sweep.

    Args:
        number: the cell's number, from 1.
        count: the number of cells in the sweep.
        words: the words that ask for the run.
        title: those of the words that not all cells share.
    """

    number: int
    count: int
    words: tuple[str, ...]
    title: str

    @property
    def label(self) -> str:
        """The beginning of every line about the cell."""
        return f"cell {self.number} of {self.count} ({self.title})"


@dataclass(frozen=True)
class Sweep:
    """The place where the cells of one sweep write how they ended.

    Args:
        root: the folder of runs.
        name: the name of the sweep's own folder.
    """

    root: Path
    name: str

    @classmethod
    def begin(cls, root: Path) -> Sweep:
        """A new sweep, named after the current time."""
        stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
        return cls(root.absolute(), f"{stamp}-{time.time_ns() % 10**9:09}")

    @property
    def folder(self) -> Path:
        """The sweep's own folder."""
        return self.root / "sweeps" / self.name

    def file(self, cell: Cell) -> Path:
        """The file of a cell."""
        return self.folder / f"{cell.number}.json"


@dataclass(frozen=True)
class CellEnding:
    """How a cell ended.

    Args:
        status: its exit status; None if another process holds it.
        record: the path of its record, if it is done.
        ran: False if the record was there already.
        reason: why it is not done, in one line.
        held: the key of the run, if another process holds it.
    """

    status: int | None
    record: str | None = None
    ran: bool = True
    reason: str = ""
    held: str | None = None


@dataclass(frozen=True)
class SweptCell:
    """How a cell ended, and its record.

    Args:
        cell: the cell.
        status: its exit status.
        record: its record, if it is done.
        ran: False if the record was there already.
        reason: why it is not done, in one line.
    """

    cell: Cell
    status: int
    record: Record | None
    ran: bool
    reason: str


def cells_of(words: Sequence[tuple[str, ...]]) -> list[Cell]:
    """The cells for these words; equal words give one cell."""
    distinct = list(dict.fromkeys(words))
    common = set.intersection(*map(set, distinct)) if len(distinct) > 1 else set()
    titles = [" ".join(word for word in own if word not in common) for own in distinct]
    return [
        Cell(number, len(distinct), own, title)
        for number, (own, title) in enumerate(zip(distinct, titles, strict=True), 1)
    ]


def given(asked: Asked) -> RunRequest:
    """The run asked for; raises the error if there is one."""
    if isinstance(asked, UserError):
        raise asked
    return asked


def do_cell(
    cell: Cell, sweep: Sweep, request: Callable[[], RunRequest], quiet: bool = False
) -> None:
    """Do a cell's run unless another process is doing it, and write how it ended.

    Args:
        cell: the cell.
        sweep: the sweep it belongs to.
        request: returns the run.
        quiet: print nothing about the run but what goes wrong.

    Raises:
        StopRequested: when asked to stop. Nothing else is raised, so that other cells go on.
    """
    heading = f"\n{cell.label}"
    try:
        ending = ending_of(
            lambda: execute(fitted(request(), quiet), quiet, heading=heading, waits=False),
            sweep.root,
            f"{cell.label}: ",
            brief=True,
        )
    except HeldElsewhere as held:
        left = CellEnding(None, held=held.identity[RUN])
    else:
        record = str(ending.record) if ending.record else None
        left = CellEnding(ending.status, record, ending.ran, ending.reason)
    write_json(sweep.file(cell), asdict(left))


def ending(cell: Cell, sweep: Sweep) -> CellEnding | None:
    """How a cell ended; None if it left nothing."""
    file = sweep.file(cell)
    return CellEnding(**read_json(file)) if file.exists() else None


def swept(cell: Cell, sweep: Sweep, missing: str = VANISHED) -> SweptCell:
    """How a cell ended, with its record.

    Args:
        cell: the cell.
        sweep: the sweep it belongs to.
        missing: why it is not done, if it left nothing.
    """
    left = ending(cell, sweep)
    if left is None or left.status is None:
        reason = "another process is working on it" if left else missing
        return SweptCell(cell, FAILURE, None, False, reason)
    file = Path(left.record) if left.record else None
    record = Record.load(file) if file and file.exists() else None
    return SweptCell(cell, left.status, record, left.ran, left.reason)
