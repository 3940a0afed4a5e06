"""The record: a run's immutable JSON file. Leaderboards are a pure function of records."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError, model_validator

from ..errors import UserError, shortened, shown
from ..store.files import read_json
from .checking import check_measurements, one_line
from .cost import DISTIL
from .facts import (
    BudgetFacts,
    ControlFacts,
    DataFacts,
    DistilledFacts,
    EnvironmentFacts,
    EvaluatorFacts,
    MethodFacts,
    OriginFacts,
    PhaseCostFacts,
    PluginFacts,
    PoolFacts,
    ProtocolFacts,
    TaskFacts,
)
from .fields import Amount, ExtendedFacts, Hash, Name, Number, Time
from .measurement import Measurement
from .record_v1 import SCHEMA as SCHEMA_V1
from .record_v1 import from_v1

SCHEMA = "ddbench-record/2"


class Record(ExtendedFacts):
    """What ran, under which rules, at what cost, and what was measured.

    Attributes:
        run: key of the run.
        supersedes: key of an earlier run of the same distilled set whose measurements are a subset
            of these, if any.
        name: name of the run's folder.
        method: name, version, and settings with the source of each; only the name is known for a
            set that was made elsewhere.
        origin: the origin of a set that was made elsewhere; None for one that was made here.
        task: dataset, ipc, model, input space, validation, seed, group.
        budget: name and fractions.
        protocols: names with versions.
        evaluators: by name; skipped ones with their reason.
        control: the method's control, if there is one.
        data: hashes of training and scored images, and which split was scored.
        distilled: hashes and sizes of the set.
        costs: seconds and peak bytes of each phase.
        networks: teachers, experts and other trained networks by stream.
        measurements: each with value, unit, individual values and coordinates.
        curve: scalars over the steps of distilling, including "step".
        paper_seconds: estimated time of `budget=paper` on this machine; None if unknown.
        plugins: the origin of the code of its method, control, dataset, model and evaluators;
            None in records of earlier versions.
        environment: packages, machine, revision.
        finished: time of completion, in ISO 8601, UTC.

    Raises:
        ValidationError: if a field is invalid, or two fields contradict each other.
    """

    LEFT_OUT = frozenset({"origin", "plugins"})

    run: Hash
    supersedes: Hash | None
    name: Name
    method: MethodFacts
    origin: OriginFacts | None = None
    task: TaskFacts
    budget: BudgetFacts
    protocols: tuple[ProtocolFacts, ...]
    evaluators: dict[Name, EvaluatorFacts]
    control: ControlFacts | None
    data: DataFacts
    distilled: DistilledFacts
    costs: tuple[PhaseCostFacts, ...]
    networks: tuple[PoolFacts, ...]
    measurements: tuple[Measurement, ...]
    curve: tuple[dict[Name, Number], ...]
    paper_seconds: Amount | None
    plugins: tuple[PluginFacts, ...] | None = None
    environment: EnvironmentFacts
    finished: Time

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        held_out, split = self.task.validation, self.data.scored_split
        if (split == "test") != (held_out == 0):
            raise ValueError(f"data.scored_split={split!r} with validation={held_out:g}")
        phases = Counter((cost.phase, cost.stage) for cost in self.costs)
        if self.origin is None and phases[DISTIL.name, DISTIL.stage] != 1:
            raise ValueError(f"costs has no phase {DISTIL.name!r} of stage {DISTIL.stage!r}")
        if self.origin is None and 0 in (self.task.class_counts or ()):
            raise ValueError("task.class_counts has a class without images")
        twice = [phase for (phase, _), count in phases.items() if count > 1]
        if twice:
            raise ValueError(f"costs has the phase {twice[0]!r} twice")
        if not all("step" in point for point in self.curve):
            raise ValueError("curve has a point without its step")
        check_measurements(self.measurements, self.protocols, self.budget.networks, split)
        return self

    @property
    def distilling(self) -> PhaseCostFacts | None:
        """The cost of distilling, without networks trained for it; None if done elsewhere."""
        place = (DISTIL.name, DISTIL.stage)
        return next((cost for cost in self.costs if (cost.phase, cost.stage) == place), None)

    @property
    def steps(self) -> int:
        """Number of distilling steps, from the curve; 0 if nothing was updated."""
        return int(self.curve[-1]["step"]) + 1 if self.curve else 0

    def protocol_named(self, label: str) -> ProtocolFacts | None:
        """The record's protocol with this label, or None."""
        return next((one for one in self.protocols if one.label == label), None)

    def plain(self) -> dict[str, Any]:
        """Plain JSON types, the schema first."""
        return {"schema": SCHEMA, **super().plain()}

    @classmethod
    def load(cls, path: Path) -> Record:
        """Read a record of this schema or an earlier one.

        Raises:
            UserError: if it is not a record, with the file, the field and the error in one line.
        """
        values = read_json(path, "a record is the file record.json of a run")
        schema = values.pop("schema", None) if isinstance(values, dict) else None
        if schema not in (SCHEMA, SCHEMA_V1):
            raise UserError(f"{path} is not a record of schema {SCHEMA} or {SCHEMA_V1}")
        try:
            return cls.model_validate(values if schema == SCHEMA else from_v1(values))
        except ValidationError as error:
            raise UserError(f"{path} is damaged: {one_line(error)}") from error
        except (KeyError, TypeError, AttributeError, ValueError, IndexError) as error:
            lacks = (
                f"{shown(error.args[0])} is missing" if isinstance(error, KeyError) else str(error)
            )
            raise UserError(f"{path} is damaged: {shortened(lacks)}") from error

    def contains(self, other: Record) -> bool:
        """Whether everything that `other` measured on the same distilled set is measured here.

        A record without measurements, because its evaluators skipped, is contained in no other.
        """
        if not other.measurements:
            return False
        same = self.distilled.key == other.distilled.key and self.budget == other.budget
        return same and _places(other.measurements) <= _places(self.measurements)


def largest_contained(record: Record, paths: Iterable[Path]) -> str | None:
    """The key of the largest record among `paths` that `record` contains, or None.

    Of equally large ones it is the latest; files that are not records are skipped.
    """
    earlier = []
    for path in paths:
        try:
            other = Record.load(path)
        except (UserError, OSError):
            continue  # a damaged neighbour is not a reason to fail
        if other.run != record.run and record.contains(other):
            earlier.append((len(other.measurements), other.finished, other.run))
    return max(earlier)[-1] if earlier else None


def _places(measurements: Iterable[Measurement]) -> set[tuple[str, str]]:
    return {(one.metric, json.dumps(one.coordinates, sort_keys=True)) for one in measurements}
