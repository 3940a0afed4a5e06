"""What evaluators measured besides accuracy: one table per metric, whatever its coordinates."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from ..records.cost import joined
from ..records.facts import ProtocolFacts
from ..records.measurement import Measurement
from ..records.statistics import ROUNDING, Estimate, one_of_each, over_seeds_and_networks
from .entries import Entry, Setting, Variant
from .labels import Label, subject_label

PLACED = ("subject", "split")
"""Coordinates that select the row; the protocol selects the table, the others are columns."""
METHOD = "method"
"""Used in place of a coordinate if the methods are side by side."""


@dataclass(frozen=True)
class Topic:
    """One table: a setting, a metric and the protocol that it belongs to, if any."""

    setting: Setting
    metric: str
    protocol: ProtocolFacts | None
    unit: str

    @property
    def protocol_label(self) -> str:
        """The protocol's label; "" without one."""
        return self.protocol.label if self.protocol else ""

    def __lt__(self, other: Topic) -> bool:
        return self._order < other._order

    @property
    def _order(self) -> tuple[Setting, str, tuple[ProtocolFacts, ...], str]:
        return self.setting, self.metric, (self.protocol,) if self.protocol else (), self.unit


@dataclass(frozen=True)
class Other:
    """One row: a value at its coordinates, over the distillation seeds that have it.

    Args:
        ipc: images per class.
        variant: the method as it was run.
        subject: whose images were measured: the method's name, its control's, or "".
        coordinates: the remaining coordinates, sorted by name.
        estimate: the mean value with its interval.
        notes: what a reader must know.
        runs: the keys of the records.
    """

    ipc: int
    variant: Variant
    subject: str
    coordinates: tuple[tuple[str, str | int | float], ...]
    estimate: Estimate
    notes: tuple[str, ...]
    runs: tuple[str, ...]

    @cached_property
    def shown(self) -> dict[str, str | int | float]:
        """The coordinates as displayed."""
        return joined(dict(self.coordinates))

    def at(self, name: str | None) -> str:
        """A coordinate as displayed; "" if there is none of that name."""
        found = self.shown.get(name, "") if name else ""
        return found if isinstance(found, str) else f"{found:g}"

    @property
    def is_own(self) -> bool:
        """Whether it belongs to the method itself, and not to what is scored beside it."""
        return self.subject in ("", self.variant.method)

    @property
    def label(self) -> Label:
        """The displayed name of the method, or of what is scored beside it."""
        return subject_label(self.variant, self.subject)


def topics(measured: Iterable[tuple[Entry, Measurement]]) -> dict[Topic, list[Other]]:
    """Measurements by topic; of several for one seed at one place the last one is kept."""
    by_seed: dict[tuple[Topic, int, Variant, str, str], dict[int, tuple[Entry, Measurement]]] = {}
    for entry, m in measured:
        if m.value is None:
            continue
        record = entry.record
        protocol = record.protocol_named(str(m.coordinates.get("protocol", "")))
        topic = Topic(entry.setting, m.metric, protocol, m.unit)
        subject = str(m.coordinates.get("subject", ""))
        rest = repr(_coordinates(m, protocol))
        place = (topic, record.task.ipc, entry.variant, subject, rest)
        by_seed.setdefault(place, {})[record.task.seed] = (entry, m)
    found: dict[Topic, list[Other]] = {}
    for (topic, ipc, variant, subject, _), seeds in by_seed.items():
        ms = {seed: m for seed, (_, m) in sorted(seeds.items())}
        found.setdefault(topic, []).append(
            Other(
                ipc,
                variant,
                subject,
                _coordinates(next(iter(ms.values())), topic.protocol),
                _estimate({seed: _values(m) for seed, m in ms.items()}),
                tuple(sorted({m.note for m in ms.values() if m.note})),
                tuple(seeds[seed][0].record.run for seed in sorted(seeds)),
            )
        )
    for rows in found.values():
        rows.sort(key=_order)
    return dict(sorted(found.items()))


@dataclass(frozen=True)
class Layout:
    """How the values of one metric are laid out as a table.

    Args:
        across: the coordinate whose values are side by side, or `METHOD`; None: one value per
            line.
        shown: the coordinates with a column of their own.
        shared: the coordinates that are the same in all rows.
    """

    across: str | None
    shown: tuple[str, ...]
    shared: dict[str, str]

    def line(self, row: Other) -> tuple[str, ...]:
        """The beginning of a row's line: ipc, method unless that is across, coordinates."""
        own = () if self.across == METHOD else (row.label.full,)
        return (str(row.ipc), *own, *map(row.at, self.shown))

    def head(self, row: Other) -> str:
        """The column of a row's value; "" if there is only one."""
        if self.across is None:
            return ""
        return row.label.full if self.across == METHOD else row.at(self.across)


def layout(rows: Sequence[Other], most: int) -> Layout:
    """The table with the most columns, up to `most`, in which no cell is empty.

    Coordinates that follow from others, as the size of a union does from its number of groups,
    are left out.
    """
    values = {
        name: len({row.at(name) for row in rows})
        for name in sorted({name for row in rows for name in row.shown})
    }
    found = []
    for across in (*values, METHOD):
        one = _layout(rows, across, values)
        heads, lines = {one.head(row) for row in rows}, {one.line(row) for row in rows}
        if 2 <= len(heads) <= most and len(heads) * len(lines) == len(rows):
            found.append((across == METHOD, -len(heads), across, one))
    return min(found)[-1] if found else _layout(rows, None, values)


def _layout(rows: Sequence[Other], across: str | None, values: dict[str, int]) -> Layout:
    shown: list[str] = []
    for name in sorted(values, key=lambda name: -values[name]):
        known = {tuple(map(row.at, [across, *shown])) for row in rows}
        if len({tuple(map(row.at, [across, *shown, name])) for row in rows}) > len(known):
            shown.append(name)
    shared = {name: rows[0].at(name) for name in values if values[name] == 1}
    return Layout(across, tuple(sorted(shown)), shared)


def _coordinates(
    m: Measurement, protocol: ProtocolFacts | None
) -> tuple[tuple[str, str | int | float], ...]:
    placed = (*PLACED, *(["protocol"] if protocol else []))
    return tuple(sorted((k, v) for k, v in m.coordinates.items() if k not in placed))


def _estimate(scores: Mapping[int, Sequence[float]]) -> Estimate:
    """Values of several networks that are the same at every seed count as one seed.

    A single value per seed, such as a number of bytes, is treated like any other.
    """
    of_networks = min(map(len, scores.values())) > 1
    return over_seeds_and_networks(one_of_each(scores) if of_networks else scores)


def _values(m: Measurement) -> Sequence[float]:
    """The underlying values if `value` is their mean; else, as for a median or a peak, itself."""
    assert m.value is not None
    if m.values and abs(statistics.fmean(m.values) - m.value) <= ROUNDING * max(1, abs(m.value)):
        return m.values
    return (m.value,)


def _order(row: Other) -> tuple[object, ...]:
    # Numbers before words, so that 2 groups come before 10.
    places = [
        (name, isinstance(v, str), 0.0 if isinstance(v, str) else v, str(v))
        for name, v in row.coordinates
    ]
    return (row.ipc, row.variant, not row.is_own, row.subject, places)
