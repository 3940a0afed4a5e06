"""The final tables of a sweep: one row per cell, and one per group of cells over seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from tabulate import tabulate

from ..errors import shortened
from ..records.record import Record
from ..records.report import peak_text
from ..records.statistics import half_width, one_of_each, percentage
from ..records.units import duration
from .cells import Cell, cell_words, over_seeds

LONGEST_REASON = 120
"""Most letters of the reason why a cell is not done; the full line was printed earlier."""
SEED = "seed"
OVER_SEEDS = (
    "± is the 95% t interval over seeds, of three or more; differences from the control are paired "
    "seed by seed."
)


@dataclass(frozen=True)
class Row:
    """A cell of a sweep.

    Args:
        words: its overrides.
        title: the overrides that not all cells share.
        record: its record; None if it is not done.
        reason: why it is not done, in one line.
    """

    words: tuple[str, ...]
    title: str
    record: Record | None
    reason: str = ""

    @property
    def cell(self) -> Cell | None:
        """The cell with its record, or None if it is not done."""
        return Cell(cell_words(self.words), self.record) if self.record else None


def cell_table(rows: Sequence[Row]) -> str:
    """Each cell's accuracy and difference from the control under each protocol.

    Further columns give the cost of distilling: seconds per step (empty for methods that select
    images), and peak memory. The row of a cell that is not done gives the reason instead.
    """
    protocols = _protocols(row.cell for row in rows)
    table = [[row.title, *_measured(row.cell, protocols), *_costs(row.record)] for row in rows]
    headers = ["cell", *_titles(protocols), "s/step", "peak memory"]
    lines = tabulate(table, headers, tablefmt="simple", disable_numparse=True).splitlines()
    width = max(len(text) for text in ("cell", *(row.title for row in rows)))
    for number, row in enumerate(rows, 2):  # so that a long reason does not widen a column
        if row.record is None:
            lines[number] = f"{row.title.ljust(width)}  {shortened(row.reason, LONGEST_REASON)}"
    return "\n".join(lines)


def seed_table(rows: Sequence[Row]) -> str:
    """Mean and interval over seeds, for groups of cells that differ only in the seed.

    Empty if there are no two such cells. Cells that are not done are missing from their group.
    """
    groups: dict[str, list[Row]] = {}
    for row in rows:
        words = [word for word in row.title.split() if not word.startswith(f"{SEED}=")]
        groups.setdefault(" ".join(words), []).append(row)
    if all(len(group) < 2 for group in groups.values()):
        return ""
    protocols = _protocols(row.cell for row in rows)
    table = []
    for title, group in groups.items():
        cells = [row.cell for row in group if row.cell is not None]
        seeds = str(len(cells)) if len(cells) == len(group) else f"{len(cells)} of {len(group)}"
        table.append([title or "all", seeds, *(_over_seeds(cells, one) for one in protocols)])
    headers = ["cells", "seeds", *_titles(protocols)]
    text = tabulate(table, headers, tablefmt="simple", disable_numparse=True)
    return f"{text}\n{OVER_SEEDS}"


def _protocols(cells: Iterable[Cell | None]) -> list[str]:
    return list(dict.fromkeys(label for cell in cells if cell for label in cell.protocols))


def _titles(protocols: Iterable[str]) -> list[str]:
    return [f"{protocol} % (- control)" for protocol in protocols]


def _measured(cell: Cell | None, protocols: Iterable[str]) -> list[str]:
    """Accuracy under each protocol, with the difference from the control in brackets."""
    if cell is None:
        return ["" for _ in protocols]
    return [
        _with_difference(_percent(cell.values(one)), _percent(cell.differences(one), sign=True))
        for one in protocols
    ]


def _over_seeds(cells: Sequence[Cell], protocol: str) -> str:
    """As `_measured` for one protocol, over the seeds of cells."""
    texts = []
    for sign, read in ((False, Cell.values), (True, Cell.differences)):
        by_seed = {number: read(cell, protocol) for number, cell in enumerate(cells)}
        found = over_seeds(one_of_each(by_seed).values())
        texts.append(percentage(found.mean, found.half_width, sign) if found else "")
    return _with_difference(*texts)


def _with_difference(accuracy: str, difference: str) -> str:
    return f"{accuracy} ({difference})" if difference else accuracy


def _percent(values: Sequence[float], sign: bool = False) -> str:
    return percentage(fmean(values), half_width(values), sign) if values else ""


def _costs(record: Record | None) -> tuple[str, str]:
    """Time per step, without teachers and experts, and peak memory."""
    if record is None or record.distilling is None:
        return "", ""
    cost, steps = record.distilling, record.steps
    return duration(cost.wall_seconds / steps) if steps else "", peak_text(cost.peak)
