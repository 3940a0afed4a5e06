"""A run from beginning to end: data, teachers, distilling, scoring, record."""

from __future__ import annotations

import datetime
import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from . import __version__
from .config import MethodChoice, RunRequest
from .context import Context
from .distilling import Distillation, MethodSkips, determinants_of, distil, pools
from .environment import environment
from .errors import StopRequested, UserError
from .evaluator import Evaluator, Measurement
from .execution import Execution
from .finished import FinishedRun
from .gallery import gallery_png
from .interrupt import StopFlag
from .lab import Lab
from .meters import CostMeter, PhaseCost
from .plugins import DATASETS, EVALUATORS, METHODS
from .progress import Progress
from .record import Record
from .report import report
from .scoring.students import evaluation_images
from .store.files import read_json, write_bytes, write_json
from .store.store import Store, key_of

DISK_ERRORS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EFBIG,
    errno.ENOTDIR,
}


@dataclass(frozen=True)
class Outcome:
    """How a run ended.

    Args:
        record: what it left.
        folder: where that is.
        ran: False when the record was there already.
    """

    record: Record
    folder: Path
    ran: bool


def execute(request: RunRequest, quiet: bool = False) -> Outcome:
    """Do a run, or find it done.

    Raises:
        UserError: for a mistake of the user, one line.
        StopRequested: when asked to stop; the same request continues the run.
    """
    with disk_trouble_in_one_line(), opened(request, quiet) as (lab, data_cost):
        context = lab.context
        key = run_key(request, lab)
        folder = request.runs_root / folder_name(request, key)
        folder.mkdir(parents=True, exist_ok=True)
        with context.store.locked("run", {"run": key}, context.stop.check):
            done = folder / "record.json"
            if done.exists():
                return Outcome(Record.load(done), folder, ran=False)
            context.progress.log = folder / "log.txt"
            try:
                record = _run(request, lab, key, folder, data_cost)
            except (StopRequested, KeyboardInterrupt):
                context.progress.write_log("stopped; the same command continues")
                raise
            except Exception as error:
                note_failure(folder, error)
                raise
            (folder / "failed.json").unlink(missing_ok=True)
            return Outcome(record, folder, ran=True)


@contextmanager
def opened(request: RunRequest, quiet: bool) -> Iterator[tuple[Lab, PhaseCost]]:
    """The data and the model of a request, checked, and what reading them cost.

    Signals that ask to stop are noticed between steps while the block runs.
    """
    with StopFlag().listening() as stop:
        store = Store(request.runs_root)
        execution = Execution.start(request.device, request.threads)
        meter = CostMeter(execution.device)
        progress = Progress(quiet=quiet)
        context = Context(store, execution, meter, progress, stop, request.checkpoint_seconds)
        task = request.task
        with meter.measure() as cost:
            lab = Lab.open(
                task.dataset,
                task.dataset_settings,
                request.data_root,
                task.validation,
                task.model,
                task.input_space,
                task.network_seed,
                context,
            )
        yield lab, cost


def run_key(request: RunRequest, lab: Lab) -> str:
    """The hash of everything that determines a record's numbers."""
    return key_of({**_distilled_part(request, lab), **_scoring_part(request)})


def folder_name(request: RunRequest, key: str) -> str:
    """The name of a run's folder: readable, and unique by its key."""
    task = request.task
    group = f"-group{task.group}" if task.group else ""
    return (
        f"{request.method.name}-{task.dataset}-ipc{task.ipc}-{request.budget_name}"
        f"-seed{task.seed}{group}-{key[:10]}"
    )


@contextmanager
def disk_trouble_in_one_line() -> Iterator[None]:
    """Turn a full or forbidden disk into a `UserError`; files are whole or absent all the same."""
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_ERRORS:
            raise
        raise UserError(
            f"cannot write {error.filename or 'to the store'}: {error.strerror}; "
            "make room or choose another runs_root, then give the same command to continue"
        ) from error


def note_failure(folder: Path, error: BaseException) -> None:
    """Leave `failed.json` with the whole story, if that can be written."""
    with suppress(OSError):  # the disk may be the trouble itself
        write_json(
            folder / "failed.json",
            {"error": f"{type(error).__name__}: {error}", "traceback": traceback.format_exc()},
        )


def _distilled_part(request: RunRequest, lab: Lab) -> dict[str, Any]:
    return {"distilled": key_of(determinants_of(request.method, request.task, lab))}


def _scoring_part(request: RunRequest) -> dict[str, Any]:
    return {
        "budget": {"name": request.budget_name, **request.budget.plain()},
        "protocols": sorted(protocol.label for protocol in request.protocols),
        "evaluators": {
            name: {"version": EVALUATORS[name].version, **settings.plain()}
            for name, settings in request.evaluators.items()
        },
        "control": request.control.name if request.control else None,
        "whole": request.whole,
    }


def _run(request: RunRequest, lab: Lab, key: str, folder: Path, data_cost: PhaseCost) -> Record:
    progress = lab.context.progress
    progress.say(f"run {folder}")
    for note in request.method.notes:
        progress.say(note)
    write_bytes(folder / "config.yaml", yaml.safe_dump(_config(request), sort_keys=False).encode())
    costs = {"data": data_cost}
    made = distil_or_say_why(request.method, request, lab)
    write_bytes(
        folder / "distilled.safetensors", lab.context.store.file(made.artefact).read_bytes()
    )
    title = f"{request.method.name}, {request.task.dataset}, ipc {request.task.ipc}"
    write_bytes(folder / "gallery.png", gallery_png(made.distilled, lab.space, title))
    for pool in made.artefact.facts["pools"]:
        costs[f"{pool['stream']}s"] = PhaseCost(**pool["cost"])
    costs["distil"] = made.cost
    subjects = {request.method.name: made.distilled}
    if request.control is not None:
        subjects[request.control.name] = distil_or_say_why(request.control, request, lab).distilled
    finished = FinishedRun(
        request.task, request.budget, request.protocols, subjects, request.whole, lab, dict(costs)
    )
    networks = list(made.artefact.facts["pools"])
    lab.pools.clear()
    with lab.dataset.scoring():
        measurements, evaluators = evaluate_all(request, finished)
        scored_hash = evaluation_images(lab).split.hash
    for pool in pools(lab):
        costs[pool["stream"]] = PhaseCost(**pool["cost"])
        networks.append(pool)
    if finished.scored:
        costs["score"] = PhaseCost.total(score.cost for score in finished.scored)
    record = Record(
        run=key,
        supersedes=_superseded(request, lab, key),
        name=folder.name,
        method={
            "name": request.method.name,
            "version": METHODS[request.method.name].version,
            "settings": _sourced(request.method),
        },
        task=_task(request),
        budget={"name": request.budget_name, **request.budget.plain()},
        protocols=[protocol.label for protocol in request.protocols],
        evaluators=evaluators,
        control=request.control.name if request.control else None,
        data={
            **lab.dataset.identity(),
            "scored_split": finished.split,
            "scored_hash": scored_hash,
        },
        distilled={
            "key": made.artefact.key,
            "sha256": made.sha256,
            "file_bytes": made.artefact.facts["bytes"],
            "storage_bytes": made.distilled.storage_bytes,
        },
        costs={name: cost.plain() for name, cost in costs.items()},
        networks=[{k: pool[k] for k in ("stream", "networks", "bytes")} for pool in networks],
        measurements=measurements,
        curve=made.artefact.facts["curve"],
        environment=environment(lab.context.execution),
        finished=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )
    write_json(folder / "record.json", record.plain())
    progress.say("\n" + report(record))
    return record


def distil_or_say_why(choice: MethodChoice, request: RunRequest, lab: Lab) -> Distillation:
    """A distilled set; a method that cannot do the task is a mistake of the user."""
    try:
        return distil(choice, request.task, lab)
    except MethodSkips as reason:
        raise UserError(f"method {choice.name} cannot do this task: {reason}") from reason


def evaluate_all(
    request: RunRequest, finished: FinishedRun
) -> tuple[list[Measurement], dict[str, Any]]:
    """The measurements of all evaluators asked for, and what is recorded of each evaluator."""
    measurements: list[Measurement] = []
    told: dict[str, Any] = {}
    for name, settings in request.evaluators.items():
        evaluator: Evaluator = EVALUATORS[name](settings)
        told[name] = {"version": evaluator.version, "settings": settings.plain()}
        reason = evaluator.skip(finished)
        if reason:
            finished.progress.say(f"evaluator {name} skips: {reason}")
            told[name]["skipped"] = reason
        else:
            measurements += evaluator.evaluate(finished)
    return measurements, told


def _superseded(request: RunRequest, lab: Lab, key: str) -> str | None:
    """The latest record of the same set whose protocols and evaluators are all measured anew."""
    distilled, scoring = _distilled_part(request, lab)["distilled"], _scoring_part(request)
    candidates = []
    for path in request.runs_root.glob(
        f"{request.method.name}-{request.task.dataset}-*/record.json"
    ):
        try:
            other = read_json(path)
            same = other["distilled"]["key"] == distilled and other["run"] != key
            contained = (
                set(other["protocols"]) <= set(scoring["protocols"])
                and set(other["evaluators"]) <= set(scoring["evaluators"])
                and other["budget"] == scoring["budget"]
            )
            if same and contained:
                candidates.append((str(other["finished"]), str(other["run"])))
        except (UserError, KeyError, TypeError, OSError):
            continue  # a damaged neighbour is no reason to fail
    return max(candidates)[1] if candidates else None


def _task(request: RunRequest) -> dict[str, Any]:
    task = request.task
    return {
        "dataset": task.dataset,
        "dataset_version": DATASETS[task.dataset].version,
        "dataset_settings": task.dataset_settings,
        "ipc": task.ipc,
        "model": {"name": task.model.name, **task.model.settings},
        "model_label": task.model.label,
        "input_space": task.input_space,
        "validation": task.validation,
        "seed": task.seed,
        "group": task.group,
        "network_seed": task.network_seed,
    }


def _sourced(choice: MethodChoice) -> dict[str, dict[str, Any]]:
    return {
        name: {"value": value, "source": choice.sources[name]}
        for name, value in choice.settings.plain().items()
    }


def _config(request: RunRequest) -> dict[str, Any]:
    return {
        "ddbench": __version__,
        "method": {"name": request.method.name, **_sourced(request.method)},
        "task": _task(request),
        **_scoring_part(request),
    }
