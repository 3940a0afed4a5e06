"""The bookkeeping of a run: its key, its folder's name, and its record."""

from __future__ import annotations

import datetime
import importlib.metadata
from typing import Any

from ..data.registry import DATASETS
from ..distilling.loop import Distillation, identity_of
from ..distilling.method_choice import MethodChoice
from ..distilling.registry import METHODS
from ..records.cost import PhaseCost
from ..records.measurement import Measurement
from ..records.record import Record
from ..runtime.environment import environment
from ..scoring.registry import EVALUATORS
from ..store.store import key_of
from ..training.lab import Lab
from .request import RunRequest


def run_key(request: RunRequest, lab: Lab) -> str:
    """The hash of everything that determines a record's numbers."""
    sets = [
        key_of(identity_of(choice, request.task, lab))
        for choice in (request.method, request.control)
        if choice is not None
    ]
    tables = {
        name: found
        for name, settings in request.evaluators.items()
        if (found := EVALUATORS[name](settings).identity(request.task.dataset, request.data_root))
    }
    return key_of({"sets": sets, **_scoring(request), **({"tables": tables} if tables else {})})


def folder_name(request: RunRequest, key: str) -> str:
    """The name of a run's folder: readable, and unique by its key."""
    task = request.task
    group = f"-group{task.group}" if task.group else ""
    return (
        f"{request.method.name}-{task.dataset}-ipc{task.ipc}-{request.budget_name}"
        f"-seed{task.seed}{group}-{key[:10]}"
    )


def configuration(request: RunRequest) -> dict[str, Any]:
    """What was asked for, in plain types, for `config.yaml`."""
    return {
        "ddbench": importlib.metadata.version("ddbench"),
        "method": {"name": request.method.name, "settings": _sourced(request.method)},
        "task": _task(request),
        **_scoring(request),
    }


def assemble_record(
    request: RunRequest,
    lab: Lab,
    *,
    made: Distillation,
    control: Distillation | None,
    costs: dict[str, PhaseCost],
    pools: list[dict[str, Any]],
    measurements: list[Measurement],
    evaluators: dict[str, Any],
    scored: dict[str, str],
    paper_seconds: float | None,
) -> Record:
    """The record of a run that has ended.

    Args:
        request: what was asked for.
        lab: where it was done.
        made: the distilled set.
        control: the control's set, if there is a control.
        costs: by phase.
        pools: networks used, by stream.
        measurements: what the evaluators said.
        evaluators: version, settings and reason for skipping of each.
        scored: which split was scored, and its hash.
        paper_seconds: what `budget=paper` is estimated to take.
    """
    key = run_key(request, lab)
    return Record(
        run=key,
        supersedes=None,
        name=folder_name(request, key),
        method=_method(request.method),
        task=_task(request),
        budget={"name": request.budget_name, **request.budget.plain()},
        protocols=[protocol.label for protocol in request.protocols],
        evaluators=evaluators,
        control=_control(request, control),
        data={**lab.dataset.identity(), **scored},
        distilled={
            "key": made.artefact.key,
            "sha256": made.sha256,
            "file_bytes": made.artefact.facts["bytes"],
            "storage_bytes": made.distilled.storage_bytes,
        },
        costs={name: cost.plain() for name, cost in costs.items()},
        networks=[{k: v for k, v in pool.items() if k != "cost"} for pool in pools],
        measurements=measurements,
        curve=made.artefact.facts["curve"],
        paper_seconds=paper_seconds,
        environment=environment(lab.runtime.execution),
        finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def _scoring(request: RunRequest) -> dict[str, Any]:
    return {
        "budget": {"name": request.budget_name, **request.budget.plain()},
        "protocols": sorted(protocol.label for protocol in request.protocols),
        "evaluators": {
            name: {"version": EVALUATORS[name].version, "settings": settings.plain()}
            for name, settings in request.evaluators.items()
        },
        "control": request.control.name if request.control else None,
        "whole": request.whole,
    }


def _task(request: RunRequest) -> dict[str, Any]:
    task = request.task
    return {
        "dataset": task.dataset,
        "dataset_version": DATASETS[task.dataset].version,
        "dataset_settings": task.lab.dataset_settings,
        "ipc": task.ipc,
        "model": {"name": task.model.name, "settings": task.model.settings},
        "model_label": task.model.label,
        "input_space": task.input_space,
        "input_space_source": request.space_source,
        "validation": task.lab.validation,
        "seed": task.seed,
        "group": task.group,
        "network_seed": task.lab.network_seed,
    }


def _method(choice: MethodChoice) -> dict[str, Any]:
    version = METHODS[choice.name].version
    return {"name": choice.name, "version": version, "settings": _sourced(choice)}


def _control(request: RunRequest, made: Distillation | None) -> dict[str, Any] | None:
    if request.control is None or made is None:
        return None
    return {**_method(request.control), "distilled": made.sha256}


def _sourced(choice: MethodChoice) -> dict[str, dict[str, Any]]:
    return {
        name: {"value": value, "source": choice.sources[name]}
        for name, value in choice.settings.plain().items()
    }
