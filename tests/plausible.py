"""Plausible records, made from their parts: what a run of each kind leaves."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Any

from ddbench.plugins.presets import preset
from ddbench.records.measurement import Measurement
from ddbench.records.record import Record
from ddbench.store.files import write_json

LEVELS = {"random": 0.45, "dm": 0.55, "mtt": 0.62, "apm": 0.7}
SELECTIONS = {"random", "random_tiles", "herding", "kcenter", "kmeans"}
PHASES = {
    "data": "read",
    "teacher": "made",
    "distil": "made",
    "scored data": "scored",
    "score": "scored",
}
REGIMES = {"hard/1": "class ids", "soft/1": "label teacher", "paper/1": "own logits"}


def hashed(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def plausible(
    method: str = "apm",
    *,
    dataset: str = "cifar10",
    ipc: int = 10,
    seed: int = 0,
    budget: str = "short",
    protocols: tuple[str, ...] = ("hard/1",),
    given: dict[str, Any] | None = None,
    control: str | None = "random",
    model_label: str = "convnet-width32",
    validation: float = 0.0,
    group: int = 0,
    regimes: dict[str, str] | None = None,
    level: float | None = None,
    spread: float = 0.004,
    scores: dict[str, tuple[float, ...]] | None = None,
    extra: tuple[Measurement, ...] = (),
    curve: int = 0,
    version: int = 1,
    **changes: Any,
) -> Record:
    """A record whose accuracies rise with ipc and differ by method, seed and network.

    Args:
        level: mean accuracy at ipc 1; None: depends on the method.
        spread: standard deviation over seeds, and over networks.
        scores: accuracies by subject, in place of drawn ones, under every protocol.
        regimes: labels by protocol.
        extra: further measurements.
        curve: length of the curve.
        changes: fields of the record to replace.
    """
    given = given or {}
    key = hashed(method, dataset, ipc, seed, group, given, validation)[:24]
    run = hashed(key, budget, protocols, control, model_label, extra)[:24]
    fractions = preset("budget", budget)
    networks = fractions["networks"]
    split = "validation" if validation else "test"
    measurements = []
    for protocol in protocols:
        values = {}
        for subject in dict.fromkeys([method, *([control] if control else [])]):
            base = LEVELS.get(subject, 0.5) if level is None or subject == control else level
            draws = random.Random(hashed(subject, protocol, dataset, ipc, seed, given))
            shared = random.Random(hashed("networks", protocol, dataset))
            own = base + 0.1 * ipc / (ipc + 20) + draws.gauss(0, spread)
            drawn = tuple(
                round(own + shared.gauss(0, spread) + draws.gauss(0, spread / 3), 4)
                for _ in range(networks)
            )
            values[subject] = scores[subject] if scores else drawn
            labels = (regimes or REGIMES)[protocol]
            where: dict[str, str | int | float] = {
                "protocol": protocol,
                "subject": subject,
                "split": split,
                "labels": labels,
            }
            mean = sum(values[subject]) / len(values[subject])
            measurements.append(Measurement("accuracy", mean, "fraction", values[subject], where))
        if len(values) == 2:
            ours, theirs = values.values()
            paired = tuple(a - b for a, b in zip(ours, theirs, strict=True))
            where = {"protocol": protocol, "subject": method, "control": str(control)}
            where["split"] = split
            mean = sum(paired) / len(paired)
            measurements.append(Measurement("accuracy_difference", mean, "fraction", paired, where))
    defaults = {f"setting_{n}": n / 7 for n in range(20)}
    settings = {name: {"value": value, "source": "default"} for name, value in defaults.items()}
    settings |= {name: {"value": value, "source": "given"} for name, value in given.items()}
    draws = random.Random(run)
    plain: dict[str, Any] = {
        "run": run,
        "supersedes": None,
        "name": f"{method}-{dataset}-ipc{ipc}-{budget}-seed{seed}-{run[:10]}",
        "method": {"name": method, "version": version, "settings": settings},
        "task": {
            "dataset": {"name": dataset, "version": 1, "settings": {}},
            "ipc": ipc,
            "model": {
                "name": model_label.partition("-width")[0],
                "settings": {
                    "width": int(model_label.partition("-width")[2]),
                    "depth": None,
                    "norm": "instance",
                },
                "label": model_label,
            },
            "input_space": "normalised",
            "input_space_source": "default",
            "validation": validation,
            "seed": seed,
            "group": group,
            "network_seed": 0,
        },
        "budget": {"name": budget, **fractions},
        "protocols": [parsed(label) for label in protocols],
        "evaluators": {"accuracy": {"version": 1, "settings": {}}},
        "control": control
        and {"name": control, "version": 1, "settings": {}, "distilled": hashed(control, seed)},
        "data": {
            "train_hash": hashed(dataset, "train")[:40],
            "scored_split": split,
            "scored_hash": hashed(dataset, split)[:40],
        },
        "distilled": {
            "key": key,
            "sha256": hashed(key, "set"),
            "file_bytes": 31_000 * ipc + 2000,
            "storage_bytes": 31_000 * ipc,
            "selected": method in SELECTIONS,
        },
        "costs": [
            {
                "phase": phase,
                "stage": stage,
                "wall_seconds": round(draws.uniform(1, 100), 3),
                "resident_peak_bytes": draws.randrange(10**8, 10**9),
                "allocated_peak_bytes": None,
                "reserved_peak_bytes": None,
            }
            for phase, stage in PHASES.items()
        ],
        "networks": [{"stream": "teacher", "stage": "made", "networks": 2, "bytes": 195_344}],
        "measurements": [*measurements, *extra],
        "curve": [
            {"step": n, "wall_seconds": n / 3, "loss": draws.random(), "movement": draws.random()}
            for n in range(curve)
        ],
        "paper_seconds": 1e4,
        "environment": {
            "device": "cpu",
            "device_name": "a processor",
            "threads": 2,
            "packages": {"ddbench": "0.1.0", "torch": "2.15.0"},
            "python": "3.11.7",
            "git_commit": None,
            "git_dirty": None,
        },
        "finished": f"2026-01-0{1 + seed % 9}T00:00:00+00:00",
    }
    return Record.model_validate({**plain, **changes})


def changed(record: Record, changes: dict[str, Any]) -> Record:
    """A record with the values at dotted places replaced, checked as a whole."""
    plain = record.plain()
    del plain["schema"]
    for place, value in changes.items():
        *path, last = place.split(".")
        inside: Any = plain
        for step in path:
            inside = inside[int(step) if isinstance(inside, list) else step]
        inside[int(last) if isinstance(inside, list) else last] = value
    return Record.model_validate(plain)


def parsed(label: str) -> dict[str, Any]:
    """The facts of a protocol such as "soft/1 on trial at 0.1"."""
    own, _, rate = label.partition(" on trial at ")
    name, _, version = own.partition("/")
    return {
        "name": name,
        "version": int(version),
        "trial_rate": float(rate) if rate else None,
    }


def write_records(folder: Path, *records: Record) -> list[Path]:
    paths = [folder / f"{one.name}.json" for one in records]
    for path, one in zip(paths, records, strict=True):
        write_json(path, one.plain())
    return paths
