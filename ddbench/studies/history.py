"""The history of a grid: its results over time, and the steps in them."""

from __future__ import annotations

import datetime
import json
import math
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..records.facts import PluginFacts
from ..records.record import Record
from .regression import CellResult, Series, cell_from_plain
from .regression_grid import RegressionGrid
from .steps import levels

SCHEMA = "ddbench-regression-history/1"


@dataclass(frozen=True)
class Entry:
    """One result of a grid.

    Args:
        time: time in ISO 8601, UTC.
        code: code of the methods that ran, one line each, such as "method mine 0.1.0 1a2b3c4d".
        cells: results of cells by name.
        accepted: why it became the reference, if it did; steps are searched for from there on.
    """

    time: str
    code: tuple[str, ...]
    cells: dict[str, CellResult]
    accepted: str | None = None
    schema: str = SCHEMA

    @property
    def label(self) -> str:
        """Time and code, in one text."""
        return f"{self.time} ({', '.join(self.code)})" if self.code else self.time


def new_entry(
    cells: dict[str, CellResult], records: Iterable[Record], accepted: str | None = None
) -> Entry:
    """The entry for a grid's result of now.

    Args:
        cells: results of cells by name.
        records: records of its runs, which name the code that ran.
        accepted: why it becomes the reference, if it does.
    """
    ran = {
        _in_words(one): None
        for record in records
        for one in record.plugins or ()
        if one.kind == "method" and one.name == record.method.name
    }
    now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
    return Entry(now, tuple(ran), cells, accepted)


def _in_words(code: PluginFacts) -> str:
    """Kind, name, version and commit; with the digest if there is no commit or it was modified."""
    where = (code.commit or "")[:8]
    if not where or code.modified:
        where = f"{where}+{(code.digest or 'unknown')[:8]}".lstrip("+")
    return " ".join(filter(None, (code.kind, code.name, code.version, where)))


def append(path: Path, entry: Entry) -> None:
    """Append an entry to a history, which is created if missing.

    Raises:
        UserError: if it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(entry)) + "\n")
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror}; choose another with --history FILE"
        ) from error


def load_history(path: Path) -> list[Entry]:
    """The entries of a history, in order; empty if there is no file.

    Raises:
        UserError: for a file that is not a history, with the line.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}") from error
    entries = []
    for number, line in enumerate(lines, 1):
        try:
            entries.append(_entry(json.loads(line)))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise UserError(
                f"{path}: line {number} is not an entry of a history ({error}); remove it"
            ) from error
    return entries


def _entry(values: dict[str, Any]) -> Entry:
    if values["schema"] != SCHEMA:
        raise ValueError(f"its schema is not {SCHEMA}")
    cells = {name: cell_from_plain(**row) for name, row in values["cells"].items()}
    return Entry(values["time"], tuple(values["code"]), cells, values["accepted"])


@dataclass(frozen=True)
class Step:
    """The last change of a quantity of a cell.

    Args:
        cell: the cell's name.
        what: the quantity, such as "hard/1" or "hard/1 - control".
        before: level before the step, a fraction.
        after: level after the step, a fraction.
        runs: number of runs at the new level.
        where: the first of them.
    """

    cell: str
    what: str
    before: float
    after: float
    runs: int
    where: str

    def __str__(self) -> str:
        way = "fell" if self.after < self.before else "rose"
        return (
            f"{self.cell}: {self.what} {way} from {100 * self.before:.1f} to "
            f"{100 * self.after:.1f} {self.runs} runs ago, at {self.where}"
        )


def last_steps(grid: RegressionGrid, history: Sequence[Entry]) -> list[Step]:
    """The last step of each quantity of each cell since a result was last accepted.

    The noise of a value is its standard error over seeds, but at least a third of the grid's least
    band, so that a change within a band from one run to the next is not a step.
    """
    accepted = [number for number, entry in enumerate(history) if entry.accepted is not None]
    entries = history[accepted[-1] :] if accepted else history
    return [step for name in grid.cells for step in _steps_of(name, entries, grid.least_band)]


def _steps_of(cell: str, entries: Sequence[Entry], least_band: float) -> Iterator[Step]:
    known = [(entry, entry.cells[cell]) for entry in entries if cell in entry.cells]
    quantities = dict.fromkeys(what for _, result in known for what in _quantities(result))
    for what in quantities:
        told = [
            (entry, found)
            for entry, result in known
            if (found := _quantities(result).get(what)) is not None
        ]
        errors = [one.spread / math.sqrt(len(one.values)) for _, one in told]
        noise = max(statistics.median(errors), least_band / 3)
        stretches = levels([one.mean for _, one in told], noise)
        if len(stretches) > 1:
            before, after = stretches[-2:]
            where = told[after.start][0].label
            runs = after.stop - after.start
            yield Step(cell, what, before.value, after.value, runs, where)


def _quantities(result: CellResult) -> dict[str, Series]:
    differences = {f"{name} - control": one for name, one in result.difference.items()}
    return {**result.accuracy, **differences}
