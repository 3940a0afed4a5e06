"""What evaluators measured besides accuracy: one table a metric, whatever its coordinates are."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ..evaluator import Measurement
from ..statistics import ROUNDING, Estimate, over_seeds_and_networks
from .boards import Entry, Setting, Variant

PLACED = ("protocol", "subject", "split")
"""Coordinates that choose the table or the row; the others are columns."""


@dataclass(frozen=True, order=True)
class Topic:
    """One table: a setting, a metric and the protocol that it belongs to, if to one."""

    setting: Setting
    metric: str
    protocol: str
    unit: str


@dataclass(frozen=True)
class Other:
    """One row: a value at its coordinates, over the distillation seeds that have it.

    Args:
        ipc: images per class.
        variant: the method as it was run.
        subject: of which images it is: the method's name, its control's, or "".
        coordinates: the remaining ones, sorted by name.
        estimate: its mean with an interval.
        notes: what a reader must know.
        runs: keys of the records.
    """

    ipc: int
    variant: Variant
    subject: str
    coordinates: tuple[tuple[str, str | int | float], ...]
    estimate: Estimate
    notes: tuple[str, ...]
    runs: tuple[str, ...]

    @property
    def label(self) -> str:
        """The method, or what stands beside it."""
        own = self.variant.label.partition("/")[0]
        if self.subject in ("", own):
            return self.variant.label
        return f"{self.subject} beside {self.variant.label}"


def topics(measured: Iterable[tuple[Entry, Measurement]]) -> dict[Topic, list[Other]]:
    """Measurements by topic; of several of one seed at one place the last one stays."""
    by_seed: dict[tuple[Topic, int, Variant, str, str], dict[int, tuple[Entry, Measurement]]] = {}
    for entry, m in measured:
        if m.value is None:
            continue
        record = entry.record
        topic = Topic(entry.setting, m.metric, str(m.coordinates.get("protocol", "")), m.unit)
        subject = str(m.coordinates.get("subject", ""))
        rest = repr(_coordinates(m))
        place = (topic, record.task["ipc"], entry.variant, subject, rest)
        by_seed.setdefault(place, {})[record.task["seed"]] = (entry, m)
    found: dict[Topic, list[Other]] = {}
    for (topic, ipc, variant, subject, _), seeds in by_seed.items():
        ms = {seed: m for seed, (_, m) in sorted(seeds.items())}
        found.setdefault(topic, []).append(
            Other(
                ipc,
                variant,
                subject,
                _coordinates(next(iter(ms.values()))),
                over_seeds_and_networks({seed: _values(m) for seed, m in ms.items()}),
                tuple(sorted({m.note for m in ms.values() if m.note})),
                tuple(seeds[seed][0].record.run for seed in sorted(seeds)),
            )
        )
    for rows in found.values():
        rows.sort(key=_order)
    return dict(sorted(found.items()))


def columns(rows: Sequence[Other], most: int) -> str | None:
    """The coordinate whose values may stand side by side, at most `most` of them, if there is one.

    Of several it is the one with the most values.
    """
    values: dict[str, set[str | int | float]] = {}
    for row in rows:
        for name, value in row.coordinates:
            values.setdefault(name, set()).add(value)
    fitting = [
        (len(found), name)
        for name, found in values.items()
        if 2 <= len(found) <= most and all(name in dict(row.coordinates) for row in rows)
    ]
    return max(fitting)[1] if fitting else None


def _coordinates(m: Measurement) -> tuple[tuple[str, str | int | float], ...]:
    return tuple(sorted((k, v) for k, v in m.coordinates.items() if k not in PLACED))


def _values(m: Measurement) -> Sequence[float]:
    """The values behind it where it is their mean; else, as for a median or a peak, itself."""
    assert m.value is not None
    if m.values and abs(statistics.fmean(m.values) - m.value) <= ROUNDING * max(1, abs(m.value)):
        return m.values
    return (m.value,)


def _order(row: Other) -> tuple[object, ...]:
    # Numbers before words, so that 2 groups stand before 10.
    places = [
        (name, isinstance(v, str), 0.0 if isinstance(v, str) else v, str(v))
        for name, v in row.coordinates
    ]
    own = row.subject in ("", row.variant.label.partition("/")[0])
    return (row.ipc, row.variant, not own, row.subject, places)
