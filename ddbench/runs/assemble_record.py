"""The bookkeeping of a run: its key, its folder's name, and its record."""

from __future__ import annotations

import datetime
import importlib.metadata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from ..data.registry import DATASETS
from ..distilling.distilled_set import DistilledSet
from ..distilling.loop import Distillation, identity_of
from ..distilling.method_choice import MethodChoice
from ..distilling.registry import METHODS
from ..errors import UserError
from ..plugins.settings import typed_settings
from ..records.checking import one_line
from ..records.cost import Phase, PhaseCost, Stage
from ..records.facts import (
    BudgetFacts,
    ControlFacts,
    DataFacts,
    DatasetFacts,
    DistilledFacts,
    EnvironmentFacts,
    EvaluatorFacts,
    MethodFacts,
    ModelFacts,
    OriginFacts,
    PhaseCostFacts,
    PluginFacts,
    PoolFacts,
    SettingFacts,
    TaskFacts,
)
from ..records.measurement import Measurement
from ..records.record import Record
from ..runtime.environment import environment
from ..scoring.registry import EVALUATORS
from ..store.files import digest
from ..store.store import key_of
from ..training.lab import Lab
from .plugin_code import foreign_code, plugins_of
from .request import RunRequest


def run_key(request: RunRequest, lab: Lab) -> str:
    """The hash of everything that determines a record's numbers."""
    sets = [
        key_of(identity_of(choice, request.task, lab))
        for choice in (request.method, request.control)
        if choice is not None
    ]
    return key_of({"sets": sets, **_scoring_with_tables(request)})


def folder_name(request: RunRequest, key: str) -> str:
    """The name of a run's folder: readable, and unique by its key."""
    task = request.task
    group = f"-group{task.group}" if task.group else ""
    ipc = task.ipc_in_words.replace(" ", "-")
    return (
        f"{request.method.name}-{task.lab.shown_name}-ipc{ipc}-{request.budget_name}"
        f"-seed{task.seed}{group}-{key[:10]}"
    )


def configuration(request: RunRequest, subject: Subject | None = None) -> dict[str, Any]:
    """The request in plain types, for `config.yaml`.

    Args:
        request: the request.
        subject: the set, if it was made elsewhere.
    """
    method = subject.method if subject else _method(request.method)
    counts = subject.class_counts if subject else request.task.class_counts
    return {
        "ddbench": importlib.metadata.version("ddbench"),
        "method": method.plain(),
        "task": _task(request, counts).plain(),
        **_scoring(request),
    }


@dataclass(frozen=True)
class Subject:
    """The distilled set that a record is about.

    Args:
        run: key of the run.
        name: name of the run's folder.
        method: the method that made the set.
        distilled: facts about the set's file.
        class_counts: images of each class, if classes differ.
        origin: the origin of a set that was made elsewhere.
        curve: scalars over the steps of distilling.
        pools: networks that were used to make the set.
    """

    run: str
    name: str
    method: MethodFacts
    distilled: DistilledFacts
    class_counts: tuple[int, ...] | None = None
    origin: OriginFacts | None = None
    curve: Sequence[Mapping[str, Any]] = ()
    pools: Sequence[Mapping[str, Any]] = ()


def subject_made_here(request: RunRequest, lab: Lab, made: Distillation) -> Subject:
    """The subject for a set that a run distilled."""
    key = run_key(request, lab)
    return Subject(
        run=key,
        name=folder_name(request, key),
        method=_method(request.method),
        distilled=DistilledFacts(
            key=made.artefact.key,
            sha256=made.sha256,
            file_bytes=made.artefact.facts["bytes"],
            storage_bytes=made.distilled.storage_bytes,
            selected=METHODS[request.method.name].selects,
        ),
        class_counts=request.task.class_counts,
        curve=made.artefact.facts["curve"],
        pools=made.pools,
    )


def subject_made_elsewhere(
    request: RunRequest, lab: Lab, distilled: DistilledSet, data: bytes, origin: OriginFacts
) -> Subject:
    """The subject for a set that is only scored; `origin.name` replaces the method's name.

    Args:
        request: how the set is scored.
        lab: the lab in which it is scored.
        distilled: the set.
        data: content of its file.
        origin: its origin.
    """
    counts = tuple(distilled.class_counts.tolist())
    sha256, task = digest(data), request.task
    control = request.control and key_of(identity_of(request.control, task, lab))
    key = key_of(
        {
            "set": sha256,
            "origin": origin.plain(),
            "lab": lab.identity,
            "control_set": control,
            **_scoring_with_tables(request),
        }
    )
    return Subject(
        run=key,
        name=(
            f"{origin.name}-released-{task.lab.shown_name}-ipc{task.ipc}-"
            f"{request.budget_name}-{key[:10]}"
        ),
        method=MethodFacts(name=origin.name, version=0, settings={}),
        distilled=DistilledFacts(
            key=sha256,
            sha256=sha256,
            file_bytes=len(data),
            storage_bytes=distilled.storage_bytes,
        ),
        class_counts=counts if len(set(counts)) > 1 else None,
        origin=origin,
    )


def assemble_record(
    request: RunRequest,
    lab: Lab,
    subject: Subject,
    *,
    control: Distillation | None,
    costs: Mapping[Phase, PhaseCost],
    scored_pools: Iterable[Mapping[str, Any]],
    measurements: Iterable[Measurement],
    evaluators: Mapping[str, Mapping[str, Any]],
    scored: Mapping[str, str],
    paper_seconds: float | None = None,
) -> Record:
    """The record of a finished run.

    Args:
        request: the request.
        lab: the lab in which it was run.
        subject: the distilled set.
        control: the control's set, if there is a control.
        costs: cost of each phase.
        scored_pools: networks that were used to score the set.
        measurements: the evaluators' measurements.
        evaluators: version, settings and any reason for skipping of each.
        scored: which split was scored, and its hash.
        paper_seconds: estimated time of `budget=paper`.

    Raises:
        UserError: if a plugin returned something that a record cannot hold, such as a
            measurement that is not finite; one line that names it.
    """
    pools: dict[Stage, Iterable[Mapping[str, Any]]] = {
        "made": subject.pools,
        "scored": scored_pools,
    }
    try:
        return Record(
            run=subject.run,
            supersedes=None,
            name=subject.name,
            method=subject.method,
            origin=subject.origin,
            task=_task(request, subject.class_counts),
            budget=BudgetFacts(name=request.budget_name, **request.budget.plain()),
            protocols=tuple(one.facts for one in request.protocols),
            evaluators={name: EvaluatorFacts(**facts) for name, facts in evaluators.items()},
            control=_control(request, control),
            data=DataFacts.model_validate({"train_hash": lab.dataset.train_hash, **scored}),
            distilled=subject.distilled,
            costs=tuple(
                PhaseCostFacts(phase=phase.name, stage=phase.stage, **cost.plain())
                for phase, cost in costs.items()
            ),
            networks=tuple(
                PoolFacts(stage=stage, **{k: v for k, v in pool.items() if k != "cost"})
                for stage, used in pools.items()
                for pool in used
            ),
            measurements=tuple(measurements),
            curve=tuple(dict(point) for point in subject.curve),
            paper_seconds=paper_seconds,
            plugins=tuple(
                PluginFacts(**code.plain()) for code in plugins_of(request, subject.origin is None)
            ),
            environment=EnvironmentFacts(**environment(lab.runtime.execution)),
            finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        )
    except ValidationError as error:
        raise UserError(f"no record can be written of {subject.name}: {one_line(error)}") from error


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


def _scoring_with_tables(request: RunRequest) -> dict[str, Any]:
    """How a set is scored, with the tables that evaluators read and the code of other packages."""
    tables = {
        name: found
        for name, settings in request.evaluators.items()
        if (found := EVALUATORS[name](settings).identity(request.task.dataset, request.data_root))
    }
    others = foreign_code(request)
    return {
        **_scoring(request),
        **({"tables": tables} if tables else {}),
        **({"code": others} if others else {}),
    }


def _task(request: RunRequest, class_counts: tuple[int, ...] | None) -> TaskFacts:
    task = request.task
    plugin = DATASETS[task.dataset]
    where = f"dataset {task.dataset}"
    settings = typed_settings(plugin.Settings, task.lab.dataset_settings, where)
    apart = {"called", *settings.places()} if settings.name_given() else {*settings.places()}
    return TaskFacts(
        dataset=DatasetFacts(
            name=task.dataset,
            version=plugin.version,
            settings={k: v for k, v in settings.plain().items() if k not in apart},
            called=settings.name_given(),
            places=settings.places() or None,
        ),
        ipc=task.ipc,
        model=ModelFacts(
            name=task.model.name, settings=task.model.settings, label=task.model.label
        ),
        input_space=task.input_space,
        input_space_source=request.space_source,
        validation=task.lab.validation,
        seed=task.seed,
        group=task.group,
        network_seed=task.lab.network_seed,
        class_counts=class_counts,
    )


def _method(choice: MethodChoice) -> MethodFacts:
    version = METHODS[choice.name].version
    return MethodFacts(name=choice.name, version=version, settings=_sourced(choice))


def _control(request: RunRequest, made: Distillation | None) -> ControlFacts | None:
    if request.control is None or made is None:
        return None
    return ControlFacts(**dict(_method(request.control)), distilled=made.sha256)


def _sourced(choice: MethodChoice) -> dict[str, SettingFacts]:
    return {
        name: SettingFacts(value=value, source=choice.sources[name])
        for name, value in choice.settings.plain().items()
    }
