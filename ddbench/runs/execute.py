"""A run from beginning to end: data, teachers, distilling, scoring, record."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import yaml

from ..distilling.gallery import gallery_png
from ..distilling.loop import KIND, check_possible, distil
from ..distilling.task import Task
from ..errors import StopRequested, UserError, in_words
from ..records.cost import DATA, DISTIL, INPUT_SPACE, SCORE, SCORED_DATA, Phase, PhaseCost
from ..records.record import Record, largest_contained
from ..records.report import report
from ..runtime.device import Execution, process_settings_restored
from ..runtime.interrupt import StopFlag
from ..runtime.runtime import Runtime
from ..store.files import check_writable, digest, digest_of_file, read_json, write_bytes, write_json
from ..store.store import remove_leftovers
from ..teachers.ledger import pools
from ..training.lab import Lab
from .assemble_record import assemble_record, configuration, folder_name, run_key
from .estimate import paper_seconds
from .evaluate_all import evaluate_all, finished_run
from .request import RunRequest

DISK_ERRORS = {
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EROFS,
    errno.EACCES,
    errno.EPERM,
    errno.EFBIG,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.EEXIST,
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
    with disk_trouble_in_one_line(), opened(request, quiet, writes=False) as (lab, data_cost):
        runtime = lab.runtime
        task = Task(request.task, lab)  # refused before anything is written
        for choice in filter(None, (request.method, request.control)):
            check_possible(choice, task)
        key = run_key(request, lab)
        folder = request.runs_root / folder_name(request, key)
        done = folder / "record.json"
        if done.exists():  # a lock is not needed, nor could it be had on a disk that is read only
            return _found(done, runtime)
        check_writable(request.runs_root)
        folder.mkdir(parents=True, exist_ok=True)
        with runtime.locked("run", {"run": key}, "this run"):
            if done.exists():
                return _found(done, runtime)
            runtime.progress.log_to(folder / "log.txt")
            begun = folder / "execution.json"
            (folder / "failed.json").unlink(missing_ok=True)
            remove_leftovers(folder)
            continue_as_begun(runtime.execution, begun)
            try:
                record = _run(request, lab, folder, data_cost)
            except (StopRequested, KeyboardInterrupt):
                runtime.progress.write_log("stopped; the same command continues")
                raise
            except UserError:
                raise
            except Exception as error:
                runtime.progress.write_log(f"failed: {in_words(error)}")
                note_failure(folder, error)
                raise
            begun.unlink()
            return Outcome(record, folder, ran=True)


@contextmanager
def opened(
    request: RunRequest, quiet: bool, writes: bool = True
) -> Iterator[tuple[Lab, PhaseCost]]:
    """The data and the model of a request, checked, and what reading them cost.

    Signals that ask to stop are noticed between steps while the block runs.

    Args:
        request: names them.
        quiet: write nothing to the console.
        writes: whether the folder of runs must be one that can be written to.
    """
    if writes:
        check_writable(request.runs_root)
    with StopFlag().listening() as stop, process_settings_restored():
        runtime = Runtime.start(
            request.runs_root,
            request.device,
            request.threads,
            request.checkpoint_seconds,
            stop=stop,
            quiet=quiet,
        )
        with runtime.meter.measure() as cost:
            lab = Lab.open(request.task.lab, request.data_root, runtime)
        yield lab, cost


def continue_as_begun(execution: Execution, begun: Path) -> None:
    """Repeat the device and threads that an unfinished run began with, which change bits.

    Raises:
        UserError: when this process cannot repeat them.
    """
    if begun.exists():
        saved = read_json(begun)
        if not isinstance(saved, dict):
            raise UserError(f"{begun} is damaged; remove it to begin this run anew")
        execution.continue_from(saved, begun)
    else:
        write_json(begun, execution.plain())


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
    """Leave `failed.json` with the traceback, if that can be written, and say where in a note."""
    with suppress(OSError):  # the disk may be the trouble itself
        write_json(
            folder / "failed.json",
            {"error": in_words(error), "traceback": traceback.format_exc()},
        )
        error.add_note(str(folder / "failed.json"))


def _found(done: Path, runtime: Runtime) -> Outcome:
    """A finished run, whose set must be that of its record.

    Raises:
        UserError: if the set is gone or damaged and the store has no other copy of it.
    """
    record, folder = Record.load(done), done.parent
    made, file = record.distilled, folder / "distilled.safetensors"
    if file.exists() and digest_of_file(file) == made.sha256:
        return Outcome(record, folder, ran=False)
    trouble = f"{file} is {'damaged' if file.exists() else 'missing'}"
    with suppress(UserError):  # the store's copy is damaged as well
        kept = runtime.store.by_key(KIND, made.key)
        data = runtime.store.file(kept).read_bytes() if kept else b""
        if digest(data) == made.sha256:
            write_bytes(file, data)
            runtime.progress.say(f"{trouble}: restored from the store")
            return Outcome(record, folder, ran=False)
    raise UserError(f"{trouble}; remove {done} to make it again")


def _run(request: RunRequest, lab: Lab, folder: Path, data_cost: PhaseCost) -> Record:
    runtime, progress = lab.runtime, lab.runtime.progress
    progress.say(f"run {folder}")
    for note in (*lab.dataset.source.notes(), *request.method.notes):
        progress.say(note)
    config = yaml.safe_dump(configuration(request), sort_keys=False)
    write_bytes(folder / "config.yaml", config.encode())
    with runtime.meter.measure(data_cost):
        lab.real.prepare()
    made = distil(request.method, request.task, lab)
    write_bytes(folder / "distilled.safetensors", runtime.store.file(made.artefact).read_bytes())
    title = f"{request.method.name}, {request.task.dataset}, ipc {request.task.ipc_in_words}"
    write_bytes(folder / "gallery.png", gallery_png(made.distilled, lab.space, title))
    costs = {
        DATA: data_cost,
        **({INPUT_SPACE: space_cost} if (space_cost := lab.data.space_cost) else {}),
        **{Phase(pool["stream"], "made"): PhaseCost(**pool["cost"]) for pool in made.pools},
        DISTIL: made.cost,
    }
    finished, control = finished_run(
        request, lab, request.method.name, made.distilled, costs, making=made
    )
    with runtime.ledger.recording() as used, lab.dataset.scoring():
        with runtime.meter.measure() as costs[SCORED_DATA]:
            lab.data.scored.prepare()
        scored = {"scored_split": finished.split, "scored_hash": lab.data.scored.split.hash}
        measurements, evaluators = evaluate_all(request, finished, folder)
    for_scoring = pools(used)
    costs |= {Phase(pool["stream"], "scored"): PhaseCost(**pool["cost"]) for pool in for_scoring}
    if finished.scored:
        costs[SCORE] = PhaseCost.total(score.cost for score in finished.scored.values())
    record = assemble_record(
        request,
        lab,
        made=made,
        control=control,
        costs=costs,
        pools={"made": made.pools, "scored": for_scoring},
        measurements=measurements,
        evaluators=evaluators,
        scored=scored,
        paper_seconds=paper_seconds(request, lab, costs),
    )
    others = request.runs_root.glob(f"{request.method.name}-{request.task.dataset}-*/record.json")
    record = record.model_copy(update={"supersedes": largest_contained(record, others)})
    write_json(folder / "record.json", record.plain())
    progress.say(f"\n{report(record)}\n\nrecord: {folder / 'record.json'}")
    return record
