"""The accuracy regression test: a small fixed grid, compared with its earlier results.

The grid is `configs/regression.yaml`, the reference `leaderboards/regression.json`. Each run of
the grid starts from an empty store, so that no artefact of an older program is used.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..records.cost import Peak, largest_peak
from ..records.record import Record
from ..store.files import read_json
from .regression_grid import RegressionGrid

SCHEMA = "ddbench-regression/1"
MADE_BY = "`ddbench regress` with --update --reason TEXT makes it"
ACCURACY, DIFFERENCE = "accuracy", "accuracy_difference"


@dataclass(frozen=True)
class Series:
    """One accuracy, or difference from the control, of a cell over seeds (fractions)."""

    mean: float
    spread: float
    values: tuple[float, ...]


@dataclass(frozen=True)
class CellResult:
    """The result of a cell.

    Args:
        accuracy: accuracy by protocol.
        difference: difference from the control, by protocol.
        peak_bytes: the largest peak memory of any phase of any seed.
    """

    accuracy: dict[str, Series]
    difference: dict[str, Series]
    peak_bytes: int


@dataclass(frozen=True)
class Reference:
    """The grid's last accepted result.

    Args:
        cells: results of cells by name.
        environment: packages and platform of that result.
        reason: why it was accepted.
    """

    cells: dict[str, CellResult]
    environment: dict[str, Any]
    reason: str
    schema: str = SCHEMA

    def plain(self) -> dict[str, Any]:
        """Plain JSON types."""
        values = asdict(self)
        return {"schema": values.pop("schema"), **values}


@dataclass
class Verdict:
    """The comparison of a grid with its reference.

    Args:
        rows: cell, quantity, reference, now, drift, band, verdict, as text.
        accuracy: lines on accuracies outside their band and on failed gates.
        memory: lines on peak memory that grew beyond its band.
    """

    rows: list[tuple[str, ...]] = field(default_factory=list)
    accuracy: list[str] = field(default_factory=list)
    memory: list[str] = field(default_factory=list)


def load_reference(path: Path) -> Reference:
    """The reference in a file.

    Raises:
        UserError: if there is no such file, or it is not a reference.
    """
    if not path.exists():
        raise UserError(f"no reference {path}: {MADE_BY}")
    values = read_json(path, MADE_BY)
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        raise UserError(f"{path} is not a reference of schema {SCHEMA}")
    try:
        cells = {name: cell_from_plain(**row) for name, row in values["cells"].items()}
        return Reference(cells, values["environment"], values["reason"])
    except (TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{path} is damaged: {error}") from error


RunAll = Callable[[Sequence[list[str]]], Iterable[Record]]


def run_grid(grid: RegressionGrid, run_all: RunAll) -> dict[str, CellResult]:
    """Run every cell with every seed, and combine the seeds.

    Args:
        grid: the grid.
        run_all: executes the runs of several lists of overrides, and returns their records in
            order.
    """
    places = [(name, seed) for name in grid.cells for seed in grid.seeds]
    records = list(run_all([grid.overrides(name, seed) for name, seed in places]))
    return {
        name: cell_result(r for r, (cell, _) in zip(records, places, strict=True) if cell == name)
        for name in grid.cells
    }


def cell_result(records: Iterable[Record]) -> CellResult:
    """Accuracies and peak memory of one cell, from its records, one per seed."""
    found: dict[str, dict[str, list[float]]] = {ACCURACY: {}, DIFFERENCE: {}}
    peaks: list[Peak | None] = []
    for record in records:
        for m in record.measurements:
            own = m.coordinates.get("subject") == record.method.name
            if m.metric in found and own and m.value is not None:
                protocol = str(m.coordinates["protocol"])
                found[m.metric].setdefault(protocol, []).append(m.value)
        peaks += [cost.peak for cost in record.costs]
    accuracy, difference = (
        {protocol: series(values) for protocol, values in found[metric].items()}
        for metric in (ACCURACY, DIFFERENCE)
    )
    largest = largest_peak(peaks)
    return CellResult(accuracy, difference, largest.bytes if largest else 0)


def series(values: Iterable[float]) -> Series:
    """Mean and standard deviation over seeds."""
    given = tuple(values)
    spread = statistics.stdev(given) if len(given) > 1 else 0.0
    return Series(statistics.fmean(given), spread, given)


def compare(grid: RegressionGrid, reference: Reference, now: dict[str, CellResult]) -> Verdict:
    """Compare each cell with its reference, and check each gate.

    A mean accuracy is equivalent if it is within its band around the reference mean: seeds are the
    same, so only the program, its packages and the machine can change it. The gain of a cell by
    augmentation (hard minus noaug) is compared in the same way.
    """
    verdict = Verdict()
    for name, result in now.items():
        before = reference.cells.get(name)
        if before is None:
            verdict.accuracy.append(f"{name}: the reference does not know this cell")
            continue
        for what, old in _held(before).items():
            new = _held(result).get(what)
            if new is None:
                verdict.accuracy.append(f"{name}: {what} was not measured")
                continue
            band = max(grid.least_band, 3 * old.spread / math.sqrt(len(old.values)))
            drift = new.mean - old.mean
            inside = abs(drift) <= band
            if not inside:
                way = "fell" if drift < 0 else "rose"
                verdict.accuracy.append(
                    f"{name}: {what} {way} by {100 * abs(drift):.1f} points, from "
                    f"{100 * old.mean:.1f} to {100 * new.mean:.1f} (band {100 * band:.1f})"
                )
            verdict.rows.append(
                (
                    name,
                    what,
                    f"{100 * old.mean:.1f}",
                    f"{100 * new.mean:.1f}",
                    f"{100 * drift:+.2f}",
                    f"{100 * band:.1f}",
                    "same" if inside else "LEFT ITS BAND",
                )
            )
        limit = grid.memory_growth * before.peak_bytes
        if result.peak_bytes > limit:
            verdict.memory.append(
                f"{name}: peak memory grew from {before.peak_bytes / 1e6:.0f} to "
                f"{result.peak_bytes / 1e6:.0f} MB (band {limit / 1e6:.0f} MB)"
            )
    verdict.accuracy += failed_gates(grid, now)
    return verdict


def failed_gates(grid: RegressionGrid, now: dict[str, CellResult]) -> list[str]:
    """One line per gate that does not hold."""
    lines = []
    for gate in grid.gates:
        difference = now[gate.cell].difference.get(gate.protocol)
        if difference is None or not difference.mean >= gate.above_control:
            told = "not measured" if difference is None else f"{100 * difference.mean:+.1f} points"
            lines.append(
                f"{gate.cell}: gate: under {gate.protocol} at least "
                f"{100 * gate.above_control:+.1f} points above the control, now {told}"
            )
    return lines


def _held(result: CellResult) -> dict[str, Series]:
    """The compared quantities: accuracies by protocol, and the gain by augmentation if known."""
    held = dict(result.accuracy)
    hard, plain = held.get("hard/1"), held.get("noaug/1")
    if hard and plain:
        gains = [a - b for a, b in zip(hard.values, plain.values, strict=True)]
        held["hard/1 less noaug/1"] = series(gains)
    return held


def cell_from_plain(
    accuracy: dict[str, Any], difference: dict[str, Any], peak_bytes: int
) -> CellResult:
    """A result from the form that `asdict` gives."""

    def read(rows: dict[str, Any]) -> dict[str, Series]:
        return {
            name: Series(row["mean"], row["spread"], tuple(row["values"]))
            for name, row in rows.items()
        }

    return CellResult(read(accuracy), read(difference), peak_bytes)
