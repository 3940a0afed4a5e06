"""How often and in which order work is measured, and what is recorded."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

Plain = dict[str, Any]
WALL, PROCESSOR = "wall_seconds", "processor_seconds"
FEWEST, MOST = 3, 15
"""The fewest and the most repetitions."""
ROUNDS = 3
"""Rounds of a comparison; each opens the work anew on both sides."""
SHORTEST_SECONDS = 0.1
"""Faster work is repeated for one reading of the clock."""
ALIKE = 0.05
"""Two steps whose numbers of operations differ by at most this fraction count as one."""


class NotMeasured(Exception):
    """Another ddbench cannot measure something; the message says why in one line."""


class Measuring(Protocol):
    """What measures: `worker.Worker` in this process, or `other.Other` in another one."""

    def open(self, name: str, words: Sequence[str], batch: int) -> Plain:
        """Prepare some work."""
        ...

    def trace(self, part: int) -> Plain:
        """Do a part once and count its operations."""
        ...

    def peak(self, part: int) -> Plain:
        """Peak memory of doing a part."""
        ...

    def step(self, part: int, times: int) -> Plain:
        """Seconds of doing a part."""
        ...

    def floor(self, part: int, times: int) -> Plain:
        """Seconds of the floor of a part."""
        ...


@dataclass(frozen=True)
class Quartiles:
    """The median and the quartiles of several values."""

    lower: float
    median: float
    upper: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Quartiles | None:
        """The quartiles of values; None without values, and a single value is all three."""
        if not values:
            return None
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        return cls(*statistics.quantiles(values, n=4, method="inclusive"))


@dataclass
class Measured:
    """The measurements of one part of some work; lists hold a value for each repetition.

    Args:
        name: the name of the work.
        which: the part of it, such as "step 1"; empty if it is all of it.
        case: the words by which it differs from others in the same table.
        images: the number of images that doing it once accounts for.
        clock: WALL or PROCESSOR, the clock of the ratios.
        operations: floating-point operations of its convolutions and matrix products.
        calls: the number of those.
        peak_bytes: peak memory beyond what the process had before; None if unknown.
        wall_seconds: wall time of doing it once.
        processor_seconds: processor time of all threads together.
        page_faults: pages of memory that the system had to provide for doing it once.
        floor_wall_seconds: wall time of its convolutions and matrix products alone.
        floor_processor_seconds: their processor time.
        other_peak_bytes: peak memory of the other ddbench.
        other_wall_seconds: wall time of the other ddbench, which takes a turn in each repetition.
        other_processor_seconds: its processor time.
        other_problem: why the other ddbench was not measured.
    """

    name: str
    which: str
    case: str
    images: int
    clock: str
    operations: int = 0
    calls: int = 0
    peak_bytes: int | None = None
    wall_seconds: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)
    page_faults: list[float] = field(default_factory=list)
    floor_wall_seconds: list[float] = field(default_factory=list)
    floor_processor_seconds: list[float] = field(default_factory=list)
    other_peak_bytes: int | None = None
    other_wall_seconds: list[float] = field(default_factory=list)
    other_processor_seconds: list[float] = field(default_factory=list)
    other_problem: str | None = None

    @property
    def label(self) -> str:
        """Name and part."""
        return f"{self.name}, {self.which}" if self.which else self.name

    @property
    def seconds(self) -> list[float]:
        """Seconds by the clock of the ratios."""
        return list(getattr(self, self.clock))

    @property
    def ratios_to_floor(self) -> list[float]:
        """Times the floor, pair by pair; empty for work without convolutions or matrix products."""
        if not self.calls:
            return []
        return _ratios(self.seconds, getattr(self, f"floor_{self.clock}"))

    @property
    def other_ratios_to_floor(self) -> list[float]:
        """Times this ddbench's floor that the other one takes."""
        return _ratios(getattr(self, f"other_{self.clock}"), getattr(self, f"floor_{self.clock}"))

    @property
    def ratios_to_other(self) -> list[float]:
        """How many times as fast as the other ddbench, pair by pair."""
        return _ratios(getattr(self, f"other_{self.clock}"), self.seconds)

    @property
    def images_per_second(self) -> float:
        """Images per second of wall time."""
        return self.images / statistics.median(self.wall_seconds)

    def in_words(self) -> str:
        """One line that reports progress."""
        told = [f"{statistics.median(self.wall_seconds):.3g} s"]
        for ratios, what in ((self.ratios_to_floor, "floor"), (self.ratios_to_other, "as fast")):
            if ratios:
                told.append(f"{statistics.median(ratios):.3g} x {what}")
        return f"{self.label} {self.case}".strip() + ": " + ", ".join(told)

    def add(self, kind: str, reading: Plain) -> None:
        """Add a reading; `kind` is "", "floor_" or "other_"."""
        for clock in (WALL, PROCESSOR):
            getattr(self, f"{kind}{clock}").append(reading[clock])
        if not kind:
            self.page_faults.append(reading["page_faults"])


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    Args:
        seconds: time for the repetitions of one part, unless `fewest` take longer.
        fewest: the fewest repetitions.
        batch: images per mini-batch in training.
    """

    seconds: float = 3.0
    fewest: int = FEWEST
    batch: int = 100

    @staticmethod
    def clock(opened: Plain) -> str:
        """The clock of the ratios: processor time on one thread of a CPU, else wall time."""
        return PROCESSOR if opened["device"] == "cpu" and opened["threads"] == 1 else WALL

    @staticmethod
    def times(seconds: float) -> int:
        """How often work of so many seconds is repeated for one reading of the clock."""
        return max(1, math.ceil(SHORTEST_SECONDS / max(seconds, 1e-6)))


def measure(
    own: Measuring,
    name: str,
    words: Sequence[str],
    case: str,
    plan: Plan,
    floor: Measuring,
    other: Measuring | None = None,
) -> list[Measured]:
    """Measure work in turns with its floor and, if there is one, with another ddbench.

    Args:
        own: measures the work.
        name: the name of the work.
        words: the words of the task.
        case: what distinguishes it from others of the same name.
        plan: how long to measure.
        floor: measures the floor, in the same ddbench.
        other: measures the same in another ddbench; if it cannot, the result says why.

    Returns:
        one result for each part.

    Raises:
        NotMeasured: if `own` is a process that cannot measure it.
    """
    if other is not None:
        try:
            return _in_rounds(own, name, words, case, plan, floor, other)
        except NotMeasured as reason:
            alone = measure(own, name, words, case, plan, floor)
            return [replace(one, other_problem=str(reason)) for one in alone]
    return _in_rounds(own, name, words, case, plan, floor)


def _in_rounds(
    own: Measuring,
    name: str,
    words: Sequence[str],
    case: str,
    plan: Plan,
    floor: Measuring,
    other: Measuring | None = None,
) -> list[Measured]:
    """Open the work anew in each round of a comparison, and divide the repetitions among rounds.

    Where its tensors are placed in memory, and so how often pages are returned and provided
    again, is chance and does not change while the work is open.
    """
    rows: list[Measured] = []
    rounds = 1 if other is None else ROUNDS
    opened_parts(floor, name, words, plan.batch)
    share = replace(plan, seconds=plan.seconds / rounds, fewest=math.ceil(plan.fewest / rounds))
    for _ in range(rounds):
        opened, parts = opened_parts(own, name, words, plan.batch)
        if other is not None:
            opened_parts(other, name, words, plan.batch)
        rows = rows or [
            Measured(
                name, part["which"], case, part["images"], plan.clock(opened),
                part["operations"], part["calls"],
            )
            for part in parts
        ]  # fmt: skip
        for row, part in zip(rows, parts, strict=True):
            _repeat(own, row, part["number"], share, floor, other)
    return rows


def opened_parts(
    who: Measuring, name: str, words: Sequence[str], batch: int
) -> tuple[Plain, list[Plain]]:
    """Open work and trace its parts; the second is left out if it is like the first.

    Returns:
        what opening returns, and for each part its number, label, images, calls and operations.
    """
    opened = who.open(name, words, batch)
    parts = [{"number": n, **part, **who.trace(n)} for n, part in enumerate(opened["parts"])]
    if len(parts) > 1 and (
        not parts[1]["calls"] or _alike(parts[0]["operations"], parts[1]["operations"])
    ):
        parts = [{**parts[0], "which": "step"}]
    return opened, parts


def _alike(one: float, other: float) -> bool:
    return abs(one - other) <= ALIKE * max(one, other)


def _repeat(
    own: Measuring,
    measured: Measured,
    part: int,
    plan: Plan,
    floor: Measuring,
    other: Measuring | None,
) -> None:
    first = own.peak(part)
    measured.peak_bytes = _larger(measured.peak_bytes, first["peak_bytes"])
    quick = first[WALL]
    times, one_turn = plan.times(quick), 0.0
    turns: list[tuple[str, Callable[[], Plain]]] = [("", lambda: own.step(part, times))]
    one_turn += times * quick
    if other is not None:
        peak = other.peak(part)["peak_bytes"]
        measured.other_peak_bytes = _larger(measured.other_peak_bytes, peak)
        turns.append(("other_", lambda: other.step(part, times)))
        one_turn += times * quick
    if measured.calls:
        bare = floor.floor(part, 1)[WALL]
        floor_times = plan.times(bare)
        turns.append(("floor_", lambda: floor.floor(part, floor_times)))
        one_turn += floor_times * bare
    repetitions = min(MOST, max(plan.fewest, round(plan.seconds / max(one_turn, 1e-6))))
    for _ in range(repetitions):
        # Whoever comes first may find the machine in another state, so the order alternates.
        forwards = len(measured.wall_seconds) % 2 == 0
        for kind, turn in turns if forwards else reversed(turns):
            measured.add(kind, turn())


def _larger(before: int | None, now: int | None) -> int | None:
    """The largest peak so far; None if unknown."""
    return max((value for value in (before, now) if value is not None), default=None)


def _ratios(above: Sequence[float], below: Sequence[float]) -> list[float]:
    return [a / b for a, b in zip(above, below, strict=False) if b > 0]
