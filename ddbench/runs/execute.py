"""A run from beginning to end: data, teachers, distilling, scoring, record."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import yaml

from ..distilling.gallery import gallery_png
from ..distilling.loop import KIND, check_possible, distil
from ..distilling.task import Task
from ..errors import StopRequested, UserError, in_words
from ..plugins.source_code import PluginCode
from ..records.cost import DATA, DISTIL, INPUT_SPACE, Phase, PhaseCost
from ..records.record import Record
from ..runtime.determinism import nondeterminism_noted
from ..runtime.device import Execution, process_settings_restored
from ..runtime.interrupt import StopFlag
from ..runtime.runtime import Runtime
from ..runtime.tracking import TRACKERS, RunBegun, Tracker
from ..store.files import (
    check_writable,
    digest,
    digest_of_file,
    is_as_written,
    read_json,
    with_checksum,
    write_bytes,
    write_json,
)
from ..store.store import remove_leftovers
from ..training.lab import Lab
from .assemble_record import configuration, folder_name, run_key, subject_made_here
from .plugin_code import plugins_of
from .record_scores import record_scores
from .request import RunRequest
from .run_state import MISTAKE, RUN, STATE, STOPPED, Begun

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
    """The outcome of a run.

    Args:
        record: its record.
        folder: its folder.
        ran: False if the record existed already.
    """

    record: Record
    folder: Path
    ran: bool


def execute(
    request: RunRequest,
    quiet: bool = False,
    trackers: Sequence[Tracker] = (),
    *,
    heading: str = "",
    waits: bool = True,
) -> Outcome:
    """Execute a run, or return its record if it is already done.

    Args:
        request: the run.
        quiet: write nothing to the console.
        trackers: trackers of the run besides those that the request names.
        heading: printed first if there is work to do.
        waits: whether to wait for another process that is working on the same run.

    Raises:
        UserError: for a mistake of the user, one line.
        HeldElsewhere: if another process is working on the run and `waits` is False.
        StopRequested: when asked to stop; the same request continues the run.
    """
    reading = opened(request, quiet, writes=False, trackers=trackers)
    with disk_trouble_in_one_line(), reading as (lab, data_cost):
        task = Task(request.task, lab)  # raises before anything is written
        for choice in filter(None, (request.method, request.control)):
            check_possible(choice, task)
        key = run_key(request, lab)
        return recorded_once(
            request,
            lab,
            request.runs_root / folder_name(request, key),
            key,
            lambda folder: _run(request, lab, folder, data_cost, heading),
            plugins_of(request),
            waits,
        )


def recorded_once(
    request: RunRequest,
    lab: Lab,
    folder: Path,
    key: str,
    work: Callable[[Path], Record],
    code: Sequence[PluginCode],
    waits: bool = True,
) -> Outcome:
    """Return the record in a folder, making it if there is none, in one process at a time.

    Args:
        request: names the folder of runs.
        lab: the lab in which the work is done.
        folder: folder of the run.
        key: key of the run.
        work: makes the record in the folder; if it is stopped and restarted, it finds again what
            it has stored.
        code: code of the plugins that take part in it.
        waits: whether to wait for another process that is working on it.

    Raises:
        HeldElsewhere: if another process is working on it and `waits` is False.
    """
    runtime, done = lab.runtime, folder / "record.json"
    # Finding it needs no lock, and on a read-only disk none could be acquired.
    if done.exists() and (found := _found(done, key, runtime, code)):
        return found
    check_writable(request.runs_root)
    folder.mkdir(parents=True, exist_ok=True)
    with runtime.locked(RUN, {RUN: key}, "this run", waits):
        if done.exists() and (found := _found(done, key, runtime, code)):
            return found
        runtime.progress.log_to(folder / "log.txt")
        begun = folder / "execution.json"
        (folder / "failed.json").unlink(missing_ok=True)
        remove_leftovers(folder)
        kept = runtime.store.checkpoint(RUN, {RUN: key})
        remove_leftovers(kept.parent, kept.stem)
        state = Begun(key, str(torch.__version__))
        state.write(folder)
        try:
            continue_as_begun(runtime.execution, begun)
            with tracked(runtime):
                record = work(folder)
        except (StopRequested, KeyboardInterrupt):
            runtime.progress.write_log("stopped; the same command continues")
            replace(state, ended=STOPPED).write(folder)
            raise
        except UserError as error:
            replace(state, ended=MISTAKE, reason=str(error)).write(folder)
            raise
        except Exception as error:
            runtime.progress.write_log(f"failed: {in_words(error)}")
            note_failure(folder, error)
            raise
        begun.unlink()
        (folder / STATE).unlink(missing_ok=True)
        return Outcome(record, folder, ran=True)


@contextmanager
def opened(
    request: RunRequest, quiet: bool, writes: bool = True, trackers: Sequence[Tracker] = ()
) -> Iterator[tuple[Lab, PhaseCost]]:
    """Open and check the data and the model of a request; yield the lab and the cost of reading.

    Within the block, stop signals are noticed between steps.

    Args:
        request: names the data and the model.
        quiet: write nothing to the console.
        writes: whether the folder of runs must be writable.
        trackers: trackers of the run besides those that the request names.
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
            fresh=request.fresh,
            trackers={
                **{name: TRACKERS[name]() for name in request.trackers},
                **{f"{type(one).__name__} {n}": one for n, one in enumerate(trackers)},
            },
        )
        with nondeterminism_noted(runtime.execution.nondeterministic):
            with runtime.meter.measure() as cost:
                lab = Lab.open(request.task.lab, request.data_root, runtime)
            yield lab, cost


def continue_as_begun(execution: Execution, begun: Path) -> None:
    """Restore the device and threads that an unfinished run began with, since these change bits.

    Raises:
        UserError: if this process cannot restore them.
    """
    if begun.exists():
        saved = read_json(begun)
        if not is_as_written(saved):
            raise UserError(f"{begun} is damaged; remove it to begin this run anew")
        execution.continue_from(saved, begun)
    else:
        write_json(begun, with_checksum(execution.plain()))


@contextmanager
def disk_trouble_in_one_line() -> Iterator[None]:
    """Turn errors of a full or forbidden disk into a `UserError`; no file is left half-written."""
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
    """Write `failed.json` with the traceback, if possible, and add its path as a note."""
    with suppress(OSError):  # the disk may be the cause
        write_json(
            folder / "failed.json",
            {"error": in_words(error), "traceback": traceback.format_exc()},
        )
        error.add_note(str(folder / "failed.json"))


@contextmanager
def tracked(runtime: Runtime) -> Iterator[None]:
    """Notify the trackers of how the block ends."""
    failure: BaseException | None = None
    try:
        yield
    except BaseException as error:
        failure = error
        raise
    finally:
        runtime.tell(lambda tracker: tracker.ended(failure))


def begin(runtime: Runtime, folder: Path, key: str, configuration: dict[str, Any]) -> None:
    """Announce a run, write the request to its `config.yaml`, and notify the trackers."""
    runtime.progress.say(f"run {folder}")
    write_bytes(folder / "config.yaml", yaml.safe_dump(configuration, sort_keys=False).encode())
    run = RunBegun(key, folder, configuration)
    runtime.tell(lambda tracker: tracker.begun(run))


def _found(done: Path, key: str, runtime: Runtime, code: Sequence[PluginCode]) -> Outcome | None:
    """A finished run, after checking that its record is unchanged and its set is the record's.

    None if it is to be made again, because different code of its plugins made it.

    Raises:
        UserError: if the record is damaged, or the set is missing or damaged and the store has no
            other copy of it.
    """
    record, folder = Record.load(done), done.parent
    if runtime.passes_over([one.plain() for one in record.plugins or ()], code):
        return None
    written = runtime.store.find(RUN, {RUN: key})  # None for runs of earlier versions
    if written is not None and digest_of_file(done) != written.facts["record_sha256"]:
        raise UserError(f"{done} is damaged (its checksum differs); remove it to make it again")
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


def _run(request: RunRequest, lab: Lab, folder: Path, data_cost: PhaseCost, heading: str) -> Record:
    runtime, progress = lab.runtime, lab.runtime.progress
    if heading:
        progress.say(heading)
    begin(runtime, folder, run_key(request, lab), configuration(request))
    for note in (*lab.dataset.source.notes(), *request.method.notes):
        progress.say(note)
    with runtime.meter.measure(data_cost):
        lab.real.prepare()
    made = distil(request.method, request.task, lab)
    write_bytes(folder / "distilled.safetensors", runtime.store.file(made.artefact).read_bytes())
    title = f"{request.method.name}, {request.task.lab.shown_name}, ipc {request.task.ipc_in_words}"
    write_bytes(folder / "gallery.png", gallery_png(made.distilled, lab.space, title))
    costs = {
        DATA: data_cost,
        **({INPUT_SPACE: space_cost} if (space_cost := lab.data.space_cost) else {}),
        **{Phase(pool["stream"], "made"): PhaseCost(**pool["cost"]) for pool in made.pools},
        DISTIL: made.cost,
    }
    subject = subject_made_here(request, lab, made)
    return record_scores(request, lab, folder, subject, made.distilled, costs, making=made)
