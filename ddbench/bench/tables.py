"""Tables of what was measured, for a terminal and in Markdown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from tabulate import tabulate

from ..records.units import size
from .growth import Exponent, Growth
from .measure import Measured, Quartiles
from .session import Bench

TERMINAL, MARKDOWN = "simple", "pipe"
READING = """\
Seconds of doing it once; faults: pages of memory that the system had to give for it; memory beyond
what the process has before. x floor: how many times as long as its convolutions and matrix products
alone, by processor time on one thread, else by wall time."""

GROWN = """\
Exponents b of y = a x^b, with 95% intervals. Memory: beyond what the process has before; kept:
tensors that stay from one step to the next, as checkpoints have them."""


def report(bench: Bench, style: str = TERMINAL) -> str:
    """All tables of a measurement, each with a line on how to read it.

    Args:
        bench: what was measured.
        style: TERMINAL or MARKDOWN.
    """
    parts = [_machine(bench)]
    if bench.measured:
        parts += [_steps(bench.measured, style), READING]
        if any(one.ratios_to_other or one.other_problem for one in bench.measured):
            parts += [_comparison(bench.measured, style), _sides(bench)]
    if bench.growth:
        parts += [_growth(bench.growth, style), GROWN]
    parts += [f"{name} is left out: {reason}" for name, reason in bench.skipped.items()]
    return "\n\n".join(parts)


def _machine(bench: Bench) -> str:
    where = bench.facts["environment"]
    load = bench.facts["load_average"]
    return (
        f"{where['device_name']}, {where['threads']} of {bench.facts['processors']} threads, "
        f"torch {where['torch']}; load {load['begun'][0]:.1f} at the beginning, "
        f"{load['ended'][0]:.1f} at the end"
    )


def _steps(rows: Sequence[Measured], style: str) -> str:
    table = []
    for one in rows:
        wall, floor = Quartiles.of(one.wall_seconds), Quartiles.of(one.ratios_to_floor)
        table.append(
            [
                *_named(one, rows),
                wall and f"{wall.median:.3g}",
                _range(wall),
                f"{statistics.median(one.processor_seconds):.3g}",
                len(one.wall_seconds),
                f"{one.images_per_second:.3g}",
                f"{statistics.median(one.page_faults):,.0f}",
                _bytes(one.peak_bytes),
                floor and f"{floor.median:.2f}",
                _range(floor),
            ]
        )
    headers = [
        *_headers(rows), "seconds", "quartiles", "processor s", "n", "images/s", "faults", "memory",
        "x floor", "quartiles",
    ]  # fmt: skip
    return _table(table, headers, style)


def _comparison(rows: Sequence[Measured], style: str) -> str:
    table = []
    for one in rows:
        ratio = Quartiles.of(one.ratios_to_other)
        floor, other_floor = map(Quartiles.of, (one.ratios_to_floor, one.other_ratios_to_floor))
        table.append(
            [
                *_named(one, rows),
                ratio and f"{ratio.median:.2f}",
                one.other_problem or _range(ratio),
                len(one.ratios_to_other) or "",
                floor and f"{floor.median:.2f}",
                other_floor and f"{other_floor.median:.2f}",
                _bytes(one.peak_bytes),
                _bytes(one.other_peak_bytes),
            ]
        )
    headers = [
        *_headers(rows),
        "x as fast",
        "quartiles",
        "n",
        "x floor",
        "other's",
        "memory",
        "other's",
    ]
    return _table(table, headers, style)


def _sides(bench: Bench) -> str:
    own, other = (bench.facts[side] or {} for side in ("own", "other"))
    same = own.get("folder") == other.get("folder")
    told = [f"{side.get('folder')} at {side.get('commit') or 'no commit'}" for side in (own, other)]
    return (
        f"x as fast: {told[0]} beside {told[1]}, by turns, pair by pair."
        + " Both are the same: what differs is noise." * same
    )


def _growth(rows: Sequence[Growth], style: str) -> str:
    cases = any(one.case for one in rows)
    table = [
        [
            one.label,
            *([one.case] if cases else []),
            one.size,
            ", ".join(map(str, one.values)),
            ", ".join(f"{seconds:.3g}" for seconds in one.seconds),
            _exponent(one.of_seconds),
            ", ".join(map(size, one.peak_bytes)),
            _exponent(one.of_memory),
            ", ".join(map(size, one.kept_bytes)),
            _exponent(one.of_kept),
        ]
        for one in rows
    ]
    headers = [
        "work", *(["case"] if cases else []), "size", "values", "seconds", "exponent", "memory",
        "exponent", "kept", "exponent",
    ]  # fmt: skip
    return _table(table, headers, style)


def _named(one: Measured, rows: Sequence[Measured]) -> list[str]:
    return [one.label, one.case] if any(row.case for row in rows) else [one.label]


def _headers(rows: Sequence[Measured]) -> list[str]:
    return ["work", "case"] if any(row.case for row in rows) else ["work"]


def _table(table: Sequence[Sequence[object]], headers: Sequence[str], style: str) -> str:
    return str(tabulate(table, headers, tablefmt=style, disable_numparse=True))


def _range(spread: Quartiles | None) -> str:
    return f"{spread.lower:.3g} to {spread.upper:.3g}" if spread else ""


def _bytes(count: int | None) -> str:
    return "" if count is None else size(count)


def _exponent(fit: Exponent | None) -> str:
    if fit is None:
        return ""
    if fit.low is None or fit.high is None:
        return f"{fit.value:.2f}"
    return f"{fit.value:.2f} [{fit.low:.2f}, {fit.high:.2f}]"
