"""Records sorted into boards, each of which holds only what may be compared."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from ..records.checking import ACCURACY, DIFFERENCE, OWN_COORDINATES, WHOLE, is_own_accuracy
from ..records.facts import ProtocolFacts
from ..records.measurement import Measurement
from ..records.record import Record
from ..records.statistics import (
    Estimate,
    draws_nothing,
    one_of_each,
    over_seeds_and_networks,
)
from .entries import Entry, Setting, Variant

_OF_THE_MODEL = OWN_COORDINATES | {"control"}


@dataclass(frozen=True, order=True)
class Board:
    """One table: a setting, a protocol, and the source of the students' labels."""

    setting: Setting
    protocol: ProtocolFacts
    labels: str


@dataclass
class Cell:
    """The results of one variant at one ipc on one board.

    Args:
        records: records by distillation seed.
        scores: by distillation seed, one accuracy per evaluation network.
        control: the same for the control.
        control_name: the control's name; "" without one.
        control_labels: the source of the control's labels if it differs from the method's, else
            "".
        notes: notes of the measurement, by distillation seed.
    """

    records: dict[int, Record] = field(default_factory=dict)
    scores: dict[int, tuple[float, ...]] = field(default_factory=dict)
    control: dict[int, tuple[float, ...]] = field(default_factory=dict)
    control_name: str = ""
    control_labels: str = ""
    notes: dict[int, str] = field(default_factory=dict)

    @property
    def seedless(self) -> bool:
        """Whether every network scores the same at every seed, as if the method drew nothing."""
        return draws_nothing(self.scores)

    def estimate(self) -> Estimate:
        """The accuracy; seeds that change nothing count as one, and give no interval."""
        return over_seeds_and_networks(one_of_each(self.scores))

    def take(self, record: Record, m: Measurement, control: Measurement | None) -> None:
        """Store a record's accuracy, and that of its control, under its seed."""
        seed = record.task.seed
        for by_seed in (self.scores, self.control, self.notes):
            by_seed.pop(seed, None)
        self.records[seed] = record
        if m.value is not None:
            self.scores[seed] = m.values
        if control is not None and control.values and len(control.values) == len(m.values):
            self.control[seed] = control.values
            self.control_name = str(control.coordinates["subject"])
            others = control.coordinates.get("labels") != m.coordinates.get("labels")
            self.control_labels = str(control.coordinates.get("labels")) if others else ""
        if m.note:
            self.notes[seed] = m.note


def cells(entries: Iterable[Entry]) -> dict[Board, dict[int, dict[Variant, Cell]]]:
    """Accuracies by board, ipc and variant.

    If several entries have the same place (one seed of one variant), the last one is kept.
    """
    found: dict[Board, dict[int, dict[Variant, Cell]]] = {}
    for entry in entries:
        record = entry.record
        name, control = record.method.name, record.control.name if record.control else ""
        own = [m for m in record.measurements if is_own_accuracy(m)]
        # Under one protocol a set and its control have labels of one kind each, which differ if
        # each set has its own.
        beside = {
            m.coordinates["protocol"]: m for m in own if name != control == m.coordinates["subject"]
        }
        for m in own:
            if m.coordinates["subject"] != name:
                continue
            protocol = record.protocol_named(str(m.coordinates["protocol"]))
            if protocol is None:  # all real images, in case a method has their name
                continue
            labels = m.coordinates.get("labels")
            by_ipc = found.setdefault(Board(entry.setting, protocol, str(labels or "")), {})
            by_variant = by_ipc.setdefault(record.task.ipc, {})
            by_variant.setdefault(entry.variant, Cell()).take(
                record, m, beside.get(m.coordinates["protocol"])
            )
    return found


def whole_scores(entries: Iterable[Entry]) -> dict[Setting, tuple[float, ...]]:
    """Accuracies of networks trained on all real data, by setting, from the latest record."""
    return {
        entry.setting: m.values
        for entry in entries
        for m in entry.record.measurements
        if is_own_accuracy(m) and m.coordinates["subject"] == WHOLE and m.values
    }


def other_measurements(entries: Iterable[Entry]) -> list[tuple[Entry, Measurement]]:
    """What evaluators measured besides the accuracy of the task's own model."""
    return [
        (entry, m)
        for entry in entries
        for m in entry.record.measurements
        if m.metric not in (ACCURACY, DIFFERENCE) or not m.coordinates.keys() <= _OF_THE_MODEL
    ]
