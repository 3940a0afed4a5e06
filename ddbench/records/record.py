"""The record: the immutable JSON that a run leaves. Leaderboards are a pure function of records."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..store.files import read_json
from .measurement import Measurement

SCHEMA = "ddbench-record/1"


@dataclasses.dataclass(frozen=True)
class Record:
    """What ran, under which rules, at what cost, and what was measured.

    Args:
        run: key of the run.
        supersedes: key of an earlier run of the same distilled set whose measurements are a part
            of these, if there is one.
        name: of the run's folder.
        method: name, version, and settings with value and source of each.
        task: dataset, ipc, model, input space, validation, seed, group.
        budget: name and fractions.
        protocols: names with versions.
        evaluators: version and settings by name; skipped ones with their reason.
        control: name, version, settings and hash of the control, or None.
        data: hashes of training and scored images, and which split was scored.
        distilled: hash and bytes of the set.
        costs: seconds and peak bytes by phase.
        networks: number and bytes of teachers and experts by stream; `epochs` of each one's
            training, `snapshots` kept of it, and `trajectory_bytes` that would be held with every
            epoch kept, but not in records older than these figures.
        measurements: each with value, unit, values behind it and coordinates.
        curve: scalars over the steps of distilling.
        paper_seconds: what `budget=paper` would take on this machine, estimated; None if unknown.
        environment: packages, machine, revision.
        finished: when, in ISO 8601, UTC.
    """

    run: str
    supersedes: str | None
    name: str
    method: dict[str, Any]
    task: dict[str, Any]
    budget: dict[str, Any]
    protocols: list[str]
    evaluators: dict[str, Any]
    control: dict[str, Any] | None
    data: dict[str, Any]
    distilled: dict[str, Any]
    costs: dict[str, dict[str, Any]]
    networks: list[dict[str, Any]]
    measurements: list[Measurement]
    curve: list[dict[str, Any]]
    paper_seconds: float | None
    environment: dict[str, Any]
    finished: str
    schema: str = SCHEMA

    def plain(self) -> dict[str, Any]:
        """Plain JSON types, the schema first."""
        values = dataclasses.asdict(self)
        return {"schema": values.pop("schema"), **values}

    @classmethod
    def load(cls, path: Path) -> Record:
        """Read a record.

        Raises:
            UserError: when it is not one, or of another schema.
        """
        values = read_json(path)
        if not isinstance(values, dict) or values.get("schema") != SCHEMA:
            raise UserError(f"{path} is not a record of schema {SCHEMA}")
        try:
            measurements = [
                Measurement(**{**row, "values": tuple(row["values"]), "interval": _interval(row)})
                for row in values.pop("measurements")
            ]
            return cls(measurements=measurements, **values)
        except (TypeError, KeyError, IndexError) as error:
            raise UserError(f"{path} is damaged: {error}") from error

    def contains(self, other: Record) -> bool:
        """Whether everything that `other` measured on the same distilled set is measured here.

        A record that measured nothing, because its evaluators skipped, is contained in none.
        """
        if not other.measurements:
            return False
        same = self.distilled["key"] == other.distilled["key"] and self.budget == other.budget
        return same and _places(other.measurements) <= _places(self.measurements)


def largest_contained(record: Record, paths: Iterable[Path]) -> str | None:
    """The key of the record among `paths` of which `record` contains most, or None.

    Of equally large ones it is the latest; files that are no records are passed over.
    """
    earlier = []
    for path in paths:
        try:
            other = Record.load(path)
            if other.run != record.run and record.contains(other):
                earlier.append((len(other.measurements), other.finished, other.run))
        except (UserError, KeyError, TypeError, OSError):
            continue  # a damaged neighbour is no reason to fail
    return max(earlier)[-1] if earlier else None


def _interval(row: dict[str, Any]) -> tuple[float, float] | None:
    found = row.get("interval")
    return None if found is None else (found[0], found[1])


def _places(measurements: list[Measurement]) -> set[tuple[str, str]]:
    return {(one.metric, json.dumps(one.coordinates, sort_keys=True)) for one in measurements}
