"""Records as data for the page, without their curves; what they share is stored once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .entries import Entry, canonical
from .labels import budget_label, dataset_label, variant_label

SHARED = {"environment", "budget", "data", "evaluators"}
"""Fields that many records share, besides settings and protocols."""
_APART: Any = {**dict.fromkeys(SHARED | {"curve", "protocols"}, True),
          "method": {"settings"}, "control": {"settings"}}  # fmt: skip


def records_json(entries: Sequence[Entry]) -> str:
    """`{"records": [...], "shared": [...]}` as JSON.

    A value `{"shared": NUMBER}` in a record refers to the shared parts. Besides its own fields a
    record has `settings` and `control_settings`, each with value and source, the labels of its
    `protocols`, and its `place` on the page.
    """
    numbers: dict[str, int] = {}

    def once(text: str) -> str:
        return f'{{"shared":{numbers.setdefault(text, len(numbers))}}}'

    ordered = sorted(entries, key=lambda entry: (entry.record.name, entry.record.run))
    records = ",".join(_record(entry, once) for entry in ordered)
    return f'{{"records":[{records}],"shared":[{",".join(numbers)}]}}'


def _record(entry: Entry, once: Callable[[str], str]) -> str:
    """One record, joined from texts, which is several times faster than from objects."""
    record, setting = entry.record, entry.setting
    place = {
        "dataset": dataset_label(setting).full,
        "model": setting.model,
        "budget": budget_label(setting).full,
        "method": variant_label(entry.variant).full,
    }
    parts = {name: once(_dumped(getattr(record, name))) for name in sorted(SHARED - {"evaluators"})}
    evaluators = record.model_dump_json(include={"evaluators"})
    parts["evaluators"] = once(evaluators[len('{"evaluators":') : -1])
    parts["protocols"] = once(canonical([protocol.label for protocol in record.protocols]))
    parts["settings"] = once(_settings(record.method))
    parts["control_settings"] = once(_settings(record.control) if record.control else "{}")
    parts["place"] = once(canonical(place))
    own = record.model_dump_json(exclude=_APART)
    told = ",".join(f'"{name}":{text}' for name, text in parts.items())
    return f"{own[:-1]},{told}}}"


def _settings(facts: Any) -> str:
    return str(facts.model_dump_json(include={"settings"}))[len('{"settings":') : -1]


def _dumped(facts: Any) -> str:
    return str(facts.model_dump_json())
