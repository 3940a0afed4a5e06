"""Converting records of the schema `ddbench-record/1` to the current form.

In that schema the stage of a phase, the rate of a trial and the parts of distilling were encoded in
names and texts. Only this module parses them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import shown
from .cost import DATA, DISTIL, INPUT_SPACE, SCORE, SCORED_DATA, Phase

SCHEMA = "ddbench-record/1"
TRIAL = " on trial at "
PART_OF = f"{DISTIL.name}: "
PART = "part-"
_FIXED = {phase.name: phase for phase in (DATA, INPUT_SPACE, DISTIL, SCORED_DATA, SCORE)}


def from_v1(values: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a record of schema 1 in the current schema, not validated yet.

    Raises:
        KeyError, TypeError, AttributeError, ValueError: if it is not a well-formed record.
    """
    task, data = values["task"], values["data"]
    streams = [pool["stream"] for pool in values["networks"]]
    phases = {name: _phase(name, streams) for name in values["costs"]}
    return {
        **values,
        "task": _task(task),
        "protocols": [_protocol(label) for label in _listed(values, "protocols")],
        "data": {
            **{key: data[key] for key in data.keys() - {"name", "version"}},
            "train_hash": _hash(data["train_hash"]),
            "scored_hash": _hash(data["scored_hash"]),
        },
        "costs": [
            {"phase": phases[name].name, "stage": phases[name].stage, **cost}
            for name, cost in values["costs"].items()
        ],
        "networks": _pools(values["networks"], phases),
        "measurements": [
            {**row, "coordinates": _coordinates(row["coordinates"], phases)}
            for row in _listed(values, "measurements")
        ],
    }


def _listed(values: Mapping[str, Any], name: str) -> list[Any]:
    if not isinstance(values[name], list):
        raise TypeError(f"{name} is not a list")
    return list(values[name])


def _task(task: Mapping[str, Any]) -> dict[str, Any]:
    moved = {"dataset", "dataset_version", "dataset_settings", "model", "model_label"}
    return {
        **{key: task[key] for key in task.keys() - moved},
        "dataset": {
            "name": task["dataset"],
            "version": task["dataset_version"],
            "settings": task["dataset_settings"],
        },
        "model": {**task["model"], "label": task["model_label"]},
    }


def _protocol(label: str) -> dict[str, Any]:
    """Parse a label such as "hard/1" or "soft/1 on trial at 0.02"."""
    own, _, rate = label.partition(TRIAL)
    name, slash, version = own.partition("/")
    if not slash or not version.isdecimal():
        raise ValueError(f"protocol {shown(label)} has no version, such as hard/1")
    return {"name": name, "version": int(version), "trial_rate": float(rate) if rate else None}


def _phase(name: str, streams: list[str]) -> Phase:
    """The phase of a name; networks used to make the set were named in the plural, others not.

    All other phases had fixed names. So the stage, which the order of phases gave too, follows from
    the name alone.
    """
    if name in _FIXED:
        return _FIXED[name]
    made = [stream for stream in streams if name == f"{stream}s"]
    return Phase(made[0], "made") if made else Phase(name, "scored")


def _pools(pools: list[dict[str, Any]], phases: Mapping[str, Phase]) -> list[dict[str, Any]]:
    """Pools with their stage: of two pools of one stream, the first was used to make the set."""
    left = {phase.name for phase in phases.values() if phase.stage == "made"}
    found = []
    for pool in pools:
        stage = "made" if pool["stream"] in left else "scored"
        left.discard(pool["stream"])
        found.append({"stage": stage, **pool})
    return found


def _coordinates(coordinates: Mapping[str, Any], phases: Mapping[str, Phase]) -> dict[str, Any]:
    """Coordinates with the phase under its current name, separate from its part."""
    found: dict[str, Any] = {}
    for key, value in coordinates.items():
        if key == "phase" and str(value).startswith(PART_OF):
            found |= {"phase": DISTIL.name, "part": value.removeprefix(PART_OF)}
        elif key in ("phase", "of") and value in phases:
            found[key] = phases[value].name
        else:
            found[key] = value
    return found


def _hash(text: str) -> str:
    """A hash without the prefix that marked hashes of a part of the images."""
    return text.removeprefix(PART)
