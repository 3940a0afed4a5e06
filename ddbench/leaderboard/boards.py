"""Records sorted into boards: what may be compared stands together, and nothing else does."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from ..plugins.presets import preset
from ..records.checking import ACCURACY, DIFFERENCE, OWN_COORDINATES, is_own_accuracy
from ..records.measurement import Measurement
from ..records.record import Record
from ..records.statistics import Estimate, over_seeds_and_networks
from ..store.files import digest

WHOLE = "whole"
_OF_THE_MODEL = OWN_COORDINATES | {"control"}


@dataclass(frozen=True, order=True)
class Setting:
    """Under what a number holds: numbers of two settings never stand in one table.

    Args:
        dataset: with what is not default.
        model: label of the network that is trained.
        budget: with what is not as its name says.
        identity: everything that determines it, as text: hashes of the images, the model's and the
            dataset's settings, fractions of the budget, seed of the evaluation networks.
    """

    dataset: str
    model: str
    budget: str
    identity: str


@dataclass(frozen=True, order=True)
class Board:
    """One table: a setting, a protocol, and where students' labels come from."""

    setting: Setting
    protocol: str
    labels: str


@dataclass(frozen=True, order=True)
class Variant:
    """A method as it was run: its label, and what tells apart those that would share it."""

    label: str
    identity: str

    @property
    def values(self) -> dict[str, Any]:
        """The method's settings."""
        values: dict[str, Any] = json.loads(self.identity)[-1]
        return values


@dataclass(frozen=True)
class Entry:
    """A record with the place it takes."""

    record: Record
    setting: Setting
    variant: Variant


@dataclass
class Cell:
    """What is known of one variant at one ipc on one board.

    Args:
        records: by distillation seed.
        scores: by distillation seed, one accuracy an evaluation network.
        control: the same of the control.
        control_name: of the control; "" without one.
        notes: of the measurement, by distillation seed.
    """

    records: dict[int, Record] = field(default_factory=dict)
    scores: dict[int, tuple[float, ...]] = field(default_factory=dict)
    control: dict[int, tuple[float, ...]] = field(default_factory=dict)
    control_name: str = ""
    notes: dict[int, str] = field(default_factory=dict)

    @property
    def seedless(self) -> bool:
        """Whether every network scores alike at every seed, as where a method draws nothing."""
        return len(self.scores) > 1 and len(set(self.scores.values())) == 1

    def estimate(self) -> Estimate:
        """The accuracy; over seeds that change nothing there is no interval, and they are one."""
        scores = dict(list(self.scores.items())[:1]) if self.seedless else self.scores
        return over_seeds_and_networks(scores)

    def take(self, record: Record, m: Measurement, control: str, beside: tuple[float, ...]) -> None:
        """Put a record's accuracy, and that of its control, in the place of its seed."""
        seed = record.task["seed"]
        for by_seed in (self.scores, self.control, self.notes):
            by_seed.pop(seed, None)
        self.records[seed] = record
        if m.value is not None:
            self.scores[seed] = m.values
        if beside and len(beside) == len(m.values):
            self.control[seed], self.control_name = beside, control
        if m.note:
            self.notes[seed] = m.note


def setting_of(record: Record) -> Setting:
    """The setting of a record, with everything that sets its numbers apart from others'."""
    task, data = record.task, record.data
    identity = {
        "data": [data["train_hash"], data["scored_hash"], task["dataset_version"]],
        "dataset": task["dataset_settings"],
        "model": task["model"],
        "budget": record.budget,
        "network_seed": task["network_seed"],
    }
    network_seed = {"network_seed": task["network_seed"]} if task["network_seed"] else {}
    return Setting(
        task["dataset"] + _bracketed({**task["dataset_settings"], **network_seed}),
        task["model_label"],
        record.budget["name"] + _bracketed(_not_as_named(record.budget)),
        canonical(identity),
    )


def entries(records: Iterable[Record]) -> list[Entry]:
    """Records with their setting and variant, the earliest first.

    A variant's label is the method's name with its version, and the values that a person gave.
    Where two variants of one setting and ipc would share a label, it also says what differs.
    """
    records = sorted(records, key=lambda record: (record.finished, record.run))
    settings = _told_apart([setting_of(record) for record in records])
    together: dict[tuple[str, Setting, int], dict[str, list[tuple[Record, Setting]]]] = {}
    for record, setting in zip(records, settings, strict=True):
        place = (_short_label(record), setting, record.task["ipc"])
        same = together.setdefault(place, {}).setdefault(_variant_identity(record), [])
        same.append((record, setting))
    found = {}
    for (label, _, _), by_identity in together.items():
        first_of_each = [same[0][0] for same in by_identity.values()]
        apart = _differing(first_of_each) if len(by_identity) > 1 else set()
        for identity, same in by_identity.items():
            values = _values(same[0][0])
            told = _bracketed({key: values[key] for key in sorted(apart) if key in values})
            for record, setting in same:
                found[record.run] = Entry(record, setting, Variant(label + told, identity))
    return [found[record.run] for record in records]


def _told_apart(settings: list[Setting]) -> list[Setting]:
    """Settings that look alike and are not get a part of the hash of what determines them."""
    identities: dict[tuple[str, str, str], set[str]] = {}
    for one in settings:
        identities.setdefault((one.dataset, one.model, one.budget), set()).add(one.identity)
    return [
        one
        if len(identities[one.dataset, one.model, one.budget]) == 1
        else replace(one, dataset=f"{one.dataset} #{digest(one.identity.encode())[:8]}")
        for one in settings
    ]


def cells(entries: Iterable[Entry]) -> dict[Board, dict[int, dict[Variant, Cell]]]:
    """Accuracies by board, ipc and variant.

    Where several entries hold the same place (one seed of one variant), the last one stays.
    """
    found: dict[Board, dict[int, dict[Variant, Cell]]] = {}
    for entry in entries:
        record = entry.record
        name, control = record.method["name"], record.control["name"] if record.control else ""
        own = [m for m in record.measurements if is_own_accuracy(m)]
        beside = {
            (m.coordinates["protocol"], m.coordinates.get("labels")): m.values
            for m in own
            if name != control == m.coordinates["subject"]
        }
        for m in own:
            if m.coordinates["subject"] != name:
                continue
            protocol, labels = str(m.coordinates["protocol"]), m.coordinates.get("labels")
            by_ipc = found.setdefault(Board(entry.setting, protocol, str(labels or "")), {})
            by_variant = by_ipc.setdefault(record.task["ipc"], {})
            by_variant.setdefault(entry.variant, Cell()).take(
                record, m, control, beside.get((m.coordinates["protocol"], labels), ())
            )
    return found


def whole_scores(entries: Iterable[Entry]) -> dict[Setting, tuple[float, ...]]:
    """Accuracies of networks trained on all real data, by setting; those of the latest record."""
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


def canonical(value: Any) -> str:
    """Plain values as text; equal values give equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _short_label(record: Record) -> str:
    method = record.method
    given = {
        name: entry["value"]
        for name, entry in method["settings"].items()
        if entry["source"] == "given"
    }
    if record.task.get("input_space_source") == "given":
        given["input_space"] = record.task["input_space"]
    return f"{method['name']}/{method['version']}{_bracketed(given)}"


def _variant_identity(record: Record) -> str:
    """What makes two records of one setting and ipc two seeds of the same thing."""
    return canonical([record.method["name"], record.method["version"], _values(record)])


def _values(record: Record) -> dict[str, Any]:
    settings = record.method["settings"].items()
    values = {name: entry["value"] for name, entry in settings}
    return {**values, "input_space": record.task["input_space"]}


def _differing(records: list[Record]) -> set[str]:
    seen = defaultdict(set)
    for record in records:
        for name, value in _values(record).items():
            seen[name].add(canonical(value))
        for name in record.method["settings"].keys() ^ records[0].method["settings"].keys():
            seen[name].add("")
    given = {
        name
        for record in records
        for name, entry in record.method["settings"].items()
        if entry["source"] == "given"
    }
    return {name for name, values in seen.items() if len(values) > 1} - given


def _not_as_named(budget: Mapping[str, Any]) -> dict[str, Any]:
    usual = _budget_preset(budget["name"])
    return {
        key: value for key, value in budget.items() if key != "name" and usual.get(key) != value
    }


@cache
def _budget_preset(name: str) -> dict[str, Any]:
    return dict(preset("budget", name))


def _bracketed(values: Mapping[str, Any]) -> str:
    told = ", ".join(f"{name}={_told(value)}" for name, value in sorted(values.items()))
    return f" ({told})" if told else ""


def _told(value: Any) -> str:
    return value if isinstance(value, str) else canonical(value)
