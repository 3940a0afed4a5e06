"""What a record must be to stand on a leaderboard. Records come from anybody."""

from __future__ import annotations

import math
import re
import statistics
from collections.abc import Mapping
from typing import Any

from .measurement import Measurement
from .record import Record

ACCURACY = "accuracy"
DIFFERENCE = "accuracy_difference"
SPLITS = ("test", "validation")
# What a protocol's rules make of a set is told by these; others place some other measurement.
OWN_COORDINATES = frozenset({"protocol", "subject", "split", "labels"})

_NAME = re.compile(r"\w[\w.+-]{0,119}")
_PROTOCOL = re.compile(r"\w{1,40}/\d{1,6}")
_HASH = re.compile(r"[0-9a-f]{8,64}")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[+\d:.Z-]{0,20}")
_TEXT = 2000
_AGREES = 1e-6
_COUNTS = {"task": ("ipc", "seed", "group", "network_seed", "dataset_version")}


def problem(record: Record) -> str | None:
    """What is wrong with a record, in one line; None where it may enter.

    Everything that tables, pictures and the page read is checked: types, names, ranges, that each
    accuracy has a protocol with a version and one value an evaluation network, and that means are
    the means of their values.
    """
    try:
        return _problem(record)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError) as error:
        told = f"{error.args[0]!r} is missing" if isinstance(error, KeyError) else str(error)
        return f"it is not filled in as a record is: {told}"


def _problem(record: Record) -> str | None:
    method, task, budget, data = record.method, record.task, record.budget, record.data
    names = {
        "name": record.name,
        "method": method["name"],
        "task.dataset": task["dataset"],
        "task.model_label": task["model_label"],
        "task.input_space": task["input_space"],
        "budget": budget["name"],
        **({} if record.control is None else {"control": record.control["name"]}),
    }
    for place, name in names.items():
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            return f"{place}={_shown(name)} is no name"
    hashes = {
        "run": record.run,
        "distilled.key": record.distilled["key"],
        "data.train_hash": data["train_hash"],
        "data.scored_hash": data["scored_hash"],
    }
    for place, text in hashes.items():
        if not isinstance(text, str) or not _HASH.fullmatch(text):
            return f"{place}={_shown(text)} is no hash"
    if not _SHA256.fullmatch(record.distilled["sha256"]):
        return f"distilled.sha256={_shown(record.distilled['sha256'])} is no SHA-256"
    counts = {
        "method.version": method["version"],
        "distilled.storage_bytes": record.distilled["storage_bytes"],
        "budget.networks": budget["networks"],
        **{f"task.{key}": task[key] for key in _COUNTS["task"]},
    }
    for place, count in counts.items():
        if type(count) is not int or not 0 <= count < 2**53:
            return f"{place}={_shown(count)} is no count"
    if task["ipc"] < 1 or budget["networks"] < 1:
        return "ipc and budget.networks must be at least 1"
    if not _TIME.fullmatch(record.finished):
        return f"finished={_shown(record.finished)} is no time"
    if record.supersedes is not None and not _HASH.fullmatch(record.supersedes):
        return f"supersedes={_shown(record.supersedes)} is no hash"
    protocols: Any = record.protocols
    if not isinstance(protocols, list):
        return "protocols is no list"
    for protocol in protocols:
        if " on trial at " not in protocol and not _PROTOCOL.fullmatch(protocol):
            return f"protocol {_shown(protocol)} has no version, such as hard/1"
    held_out = _number(task["validation"])
    if data["scored_split"] not in SPLITS or (data["scored_split"] == "test") != (held_out == 0):
        return f"data.scored_split={_shown(data['scored_split'])} with validation={held_out:g}"
    for settings in (method["settings"], (record.control or {}).get("settings", {})):
        if not all(set(entry) == {"value", "source"} for entry in settings.values()):
            return "a setting needs its value and its source"
        if not all(_NAME.fullmatch(key) for key in settings):
            return "a setting's name is no name"
    for table in (task["dataset_settings"], task["model"], record.evaluators):
        if not isinstance(table, dict):
            return f"{_shown(table)} is no table"
    if "distil" not in record.costs:
        return "costs has no phase 'distil'"
    for cost in record.costs.values():
        for key in ("wall_seconds", "resident_peak_bytes"):
            if not _number(cost[key]) >= 0:
                return f"a phase's {key}={_shown(cost[key])} is negative"
        _number(cost["allocated_peak_bytes"] or 0)
    for pool in record.networks:
        _number(pool["bytes"]), _number(pool["networks"])
        if not _NAME.fullmatch(pool["stream"]):
            return f"networks has a stream {_shown(pool['stream'])}"
    if not isinstance(record.environment.get("device_name"), str):
        return "environment names no device"
    return _problem_of_measurements(record)


def _problem_of_measurements(record: Record) -> str | None:
    seen = set()
    for m in record.measurements:
        wrong = _problem_of_measurement(m)
        if wrong:
            return f"measurement {_shown(m.metric)}: {wrong}"
        place = (m.metric, *sorted((key, str(value)) for key, value in m.coordinates.items()))
        if place in seen:
            return f"measurement {_shown(m.metric)} stands there twice: {dict(m.coordinates)}"
        seen.add(place)
        if m.metric not in (ACCURACY, DIFFERENCE):
            continue
        where = m.coordinates
        if where.get("split", record.data["scored_split"]) != record.data["scored_split"]:
            return f"{m.metric} is of {where['split']}, the record of another split"
        protocol = str(where.get("protocol", ""))
        if " on trial at " not in protocol and not _PROTOCOL.fullmatch(protocol):
            return f"{m.metric} has no protocol with a version"
        if not where.get("subject"):
            return f"{m.metric} says not of which images"
        low = -1 if m.metric == DIFFERENCE else 0
        if not all(low <= value <= 1 for value in m.values):
            return f"{m.metric} outside {low} to 1"
        if m.value is None or not is_own_accuracy(m):
            continue
        if protocol in record.protocols and len(m.values) != record.budget["networks"]:
            return f"{m.metric} has {len(m.values)} values, not one a network of the budget"
        if not m.values or abs(statistics.fmean(m.values) - m.value) > _AGREES:
            return f"{m.metric} {m.value:g} is not the mean of its values"
    return None


def is_own_accuracy(m: Measurement) -> bool:
    """Whether it is the accuracy of a set, or its control, by the task's own model."""
    return m.metric == ACCURACY and m.coordinates.keys() <= OWN_COORDINATES


def _problem_of_measurement(m: Measurement) -> str | None:
    if not isinstance(m.metric, str) or not _NAME.fullmatch(m.metric):
        return "is no name"
    if not isinstance(m.unit, str) or len(m.unit) > 80 or not m.unit.isprintable():
        return "its unit is no text"
    if not isinstance(m.note, str) or len(m.note) > _TEXT:
        return "its note is no text, or too long"
    if m.value is not None:
        _number(m.value)
    for value in m.values:
        _number(value)
    coordinates: Any = m.coordinates
    if not isinstance(coordinates, Mapping):
        return "its coordinates are no table"
    for key, place in coordinates.items():
        if not _NAME.fullmatch(key):
            return f"coordinate {_shown(key)} is no name"
        if isinstance(place, str):
            if len(place) > _TEXT or not place.isprintable():
                return f"coordinate {key} is no text"
        else:
            _number(place)
    return None


def _number(value: Any) -> float:
    """A finite number, as it is.

    Raises:
        ValueError: for anything else.
    """
    if type(value) is not float and type(value) is not int:
        raise ValueError(f"{_shown(value)} is no number")
    if not math.isfinite(value):
        raise ValueError(f"{value} is not finite")
    return float(value)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
