"""One cell of a sweep: wherever it is done, it leaves in a file how it ended."""

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

VANISHED = "its process ended and left nothing"
STOPPED = "stopped, or not begun"


@dataclass(frozen=True)
class Cell:
    """A run of a sweep.

    Args:
        number: of the cell, from 1.
        count: cells of the sweep.
        words: what is asked for.
        title: those of the words that not all cells have.
    """

    number: int
    count: int
    words: tuple[str, ...]
    title: str

    @property
    def label(self) -> str:
        """What lines about it begin with."""
        return f"cell {self.number} of {self.count} ({self.title})"


@dataclass(frozen=True)
class Sweep:
    """Where the cells of one sweep leave how they ended.

    Args:
        root: the folder of runs.
        name: of the sweep's own folder.
    """

    root: Path
    name: str

    @classmethod
    def begin(cls, root: Path) -> Sweep:
        """A sweep of now."""
        stamp = time.strftime("%Y-%m-%d_%H-%M-%S")
        return cls(root.absolute(), f"{stamp}-{time.time_ns() % 10**9:09}")

    @property
    def folder(self) -> Path:
        """The sweep's own."""
        return self.root / "sweeps" / self.name

    def file(self, cell: Cell) -> Path:
        """That of a cell."""
        return self.folder / f"{cell.number}.json"


@dataclass(frozen=True)
class CellEnding:
    """How a cell ended.

    Args:
        status: its exit status; None for one that another process holds.
        record: the path of what it left, if it is done.
        ran: False when the record was there already.
        reason: why it is not done, in a line.
        held: the key of the run, where another process holds it.
    """

    status: int | None
    record: str | None = None
    ran: bool = True
    reason: str = ""
    held: str | None = None


@dataclass(frozen=True)
class SweptCell:
    """How a cell ended, and what it left.

    Args:
        cell: which one.
        status: its exit status.
        record: what it left, if it is done.
        ran: False when the record was there already.
        reason: why it is not done, in a line.
    """

    cell: Cell
    status: int
    record: Record | None
    ran: bool
    reason: str


def cells_of(words: Sequence[tuple[str, ...]]) -> list[Cell]:
    """Cells that ask for these words; those that ask for the same are one."""
    distinct = list(dict.fromkeys(words))
    common = set.intersection(*map(set, distinct)) if len(distinct) > 1 else set()
    titles = [" ".join(word for word in own if word not in common) for own in distinct]
    return [
        Cell(number, len(distinct), own, title)
        for number, (own, title) in enumerate(zip(distinct, titles, strict=True), 1)
    ]


def given(asked: Asked) -> RunRequest:
    """The run; raises what is wrong with it."""
    if isinstance(asked, UserError):
        raise asked
    return asked


def do_cell(
    cell: Cell, sweep: Sweep, request: Callable[[], RunRequest], quiet: bool = False
) -> None:
    """Do a run unless another process does, and leave how it ended.

    Args:
        cell: the cell.
        sweep: which it is of.
        request: gives the run.
        quiet: say nothing of the run but what went wrong.

    Raises:
        StopRequested: when asked to stop; nothing else, as a sweep's other cells shall go on.
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
        cell: which one.
        sweep: which it is of.
        missing: why it is not done, where it left nothing.
    """
    left = ending(cell, sweep)
    if left is None or left.status is None:
        reason = "another process is at work on it" if left else missing
        return SweptCell(cell, FAILURE, None, False, reason)
    file = Path(left.record) if left.record else None
    record = Record.load(file) if file and file.exists() else None
    return SweptCell(cell, left.status, record, left.ran, left.reason)
