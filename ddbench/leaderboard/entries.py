"""The setting of a record's numbers, and the method that they belong to, for all tables."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from ..plugins.presets import preset
from ..records.facts import GIVEN, BudgetFacts
from ..records.record import Record
from ..store.files import digest

PACKAGE = "ddbench"
"""The package whose methods raise their version when their numbers change."""

Values = tuple[tuple[str, str], ...]
"""Names with values as text, sorted by name."""


@dataclass(frozen=True, order=True)
class Setting:
    """The conditions of a number: numbers of two settings never appear in one table.

    Args:
        dataset: the dataset's name.
        dataset_settings: the dataset's settings, the seed of the evaluation networks if it is not
            0, and the images of each class if classes differ in them.
        apart: distinguishes settings that look the same but differ; "" if there are none.
        model: the name of the network that is trained.
        budget: the budget's name.
        budget_changes: what differs from the budget of that name.
        identity: everything that determines it, as text: hashes of the images, the model's and the
            dataset's settings, fractions of the budget, seed of the evaluation networks.
    """

    dataset: str
    dataset_settings: Values
    apart: str
    model: str
    budget: str
    budget_changes: Values
    identity: str


@dataclass(frozen=True, order=True)
class Variant:
    """A method as it was run.

    Args:
        method: the method's name.
        version: the method's version.
        origin: file and hash of a set that was made elsewhere; "" for one that was made here.
        given: the values that the user gave.
        apart: values that distinguish variants with the same given values.
        identity: everything that records which differ only in their seeds share, as text.
        values: the values of all settings, and the input space.
    """

    method: str
    version: int
    origin: str
    given: Values
    apart: Values
    identity: str
    values: Mapping[str, Any] = field(compare=False, repr=False)

    @property
    def across_ipc(self) -> Variant:
        """What was asked for; a recipe may complete it differently at each ipc."""
        return replace(self, identity="", values={})


@dataclass(frozen=True)
class Entry:
    """A record with its place: setting and variant."""

    record: Record
    setting: Setting
    variant: Variant


def setting_of(record: Record) -> Setting:
    """The setting of a record, with everything that distinguishes its numbers from others."""
    task, data = record.task, record.data
    identity = {
        "data": [data.train_hash, data.scored_hash, task.dataset.version],
        "dataset": task.dataset.settings,
        "model": [task.model.name, task.model.settings],
        "budget": record.budget.plain(),
        "network_seed": task.network_seed,
    }
    beside: dict[str, Any] = {"network_seed": task.network_seed} if task.network_seed else {}
    if task.class_counts is not None:
        identity["class_counts"] = task.class_counts
        beside["class_counts"] = f"{task.ipc_in_words}, {sum(task.class_counts)} in all"
    return Setting(
        dataset=task.dataset.shown_name,
        dataset_settings=_as_text({**task.dataset.settings, **beside}),
        apart="",
        model=task.model.label,
        budget=record.budget.name,
        budget_changes=_as_text(_not_as_named(record.budget)),
        identity=canonical(identity),
    )


def entries(records: Iterable[Record]) -> list[Entry]:
    """Records with their setting and variant, the earliest first.

    A variant is a method with its version and the values that the user gave. If two variants of
    one setting and ipc agree in these, it also says what differs.
    """
    records = sorted(records, key=lambda record: (record.finished, record.run))
    settings = _told_apart([setting_of(record) for record in records])
    together: dict[tuple[str, str, int, Values, Setting, int], dict[str, list[Entry]]] = {}
    for record, setting in zip(records, settings, strict=True):
        variant = _variant(record)
        place = (
            variant.method,
            variant.origin,
            variant.version,
            variant.given,
            setting,
            record.task.ipc,
        )
        same = together.setdefault(place, {}).setdefault(variant.identity, [])
        same.append(Entry(record, setting, variant))
    found = {}
    for by_identity in together.values():
        firsts = [same[0].record for same in by_identity.values()]
        differing = _differing(firsts) if len(by_identity) > 1 else set()
        for same in by_identity.values():
            values = _told_of(same[0].record)
            apart = _as_text({key: values[key] for key in differing if key in values})
            variant = replace(same[0].variant, apart=apart)
            for entry in same:
                found[entry.record.run] = Entry(entry.record, entry.setting, variant)
    return [found[record.run] for record in records]


def _told_apart(settings: list[Setting]) -> list[Setting]:
    """Add part of a hash of the identity to settings that look the same but differ."""
    looks = {one: replace(one, identity="") for one in set(settings)}
    alike = Counter(looks.values())
    shown = {
        one: one if alike[look] == 1 else replace(one, apart=digest(one.identity.encode())[:8])
        for one, look in looks.items()
    }
    return [shown[one] for one in settings]


def canonical(value: Any) -> str:
    """Plain values as canonical text: equal values give equal text."""
    return _ENCODER.encode(value)


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _variant(record: Record) -> Variant:
    method, values = record.method, _values(record)
    given = dict(method.given)
    if record.task.input_space_source == GIVEN:
        given["input_space"] = record.task.input_space
    origin = ""
    if record.origin:
        origin = f"{record.origin.source} #{record.distilled.sha256[:8]}".strip()
    identity = canonical([method.name, method.version, origin, _told_of(record)])
    return Variant(method.name, method.version, origin, _as_text(given), (), identity, values)


def _values(record: Record) -> dict[str, Any]:
    return {**record.method.values, "input_space": record.task.input_space}


def _told_of(record: Record) -> dict[str, Any]:
    """What distinguishes variants: the values, and the code if it is another package's."""
    values = _values(record)
    # A method under development counts as another one when its code changes.
    for plugin in record.plugins or ():
        own = (plugin.kind, plugin.name) == ("method", record.method.name)
        if own and plugin.package != PACKAGE and plugin.digest:
            values["code"] = plugin.digest[:8]
    return values


def _differing(records: list[Record]) -> set[str]:
    seen = defaultdict(set)
    for record in records:
        for name, value in _told_of(record).items():
            seen[name].add(canonical(value))
        for name in record.method.settings.keys() ^ records[0].method.settings.keys():
            seen[name].add("")
    given = {name for record in records for name in record.method.given}
    return {name for name, values in seen.items() if len(values) > 1} - given


def _not_as_named(budget: BudgetFacts) -> dict[str, Any]:
    usual = _budget_preset(budget.name)
    return {
        key: value
        for key, value in budget.plain().items()
        if key != "name" and usual.get(key) != value
    }


@cache
def _budget_preset(name: str) -> dict[str, Any]:
    return dict(preset("budget", name))


def _as_text(values: Mapping[str, Any]) -> Values:
    return tuple(
        (name, value if isinstance(value, str) else canonical(value))
        for name, value in sorted(values.items())
    )
