"""The state of a run without a record, and whether a process is working on it."""

from __future__ import annotations

import importlib.metadata
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import UserError
from ..store.files import read_json, write_json
from ..store.store import Store

RUN = "run"
"""The kind of artefact under which a run is locked and the checksum of its record is kept."""
STATE = "state.json"
STOPPED, MISTAKE = "stopped", "mistake"


@dataclass(frozen=True)
class Begun:
    """The state that a run keeps in its folder until it has finished.

    Args:
        run: key of the run.
        torch: the version of torch that the run began with, since versions change bits.
        ended: "stopped" or "mistake"; None while the run is active, or if it was killed.
        reason: the mistake, in one line.
    """

    run: str
    torch: str
    ended: str | None = None
    reason: str = ""

    def write(self, folder: Path) -> None:
        """Write it to the run's folder, if possible."""
        with suppress(OSError):  # the disk may be the cause
            write_json(folder / STATE, asdict(self))


@dataclass(frozen=True)
class RunState:
    """The state of a run as shown by `ddbench list runs`.

    Args:
        word: "finished", "running", "stopped", "dead", "failed", "mistake", "stale" or
            "unfinished" (begun by an earlier version).
        detail: details in one line, or "".
    """

    word: str
    detail: str = ""


def is_free(key: str, store: Store) -> bool:
    """Whether no process is working on the run with this key."""
    lock = store.try_lock(RUN, {RUN: key})
    if lock is not None:
        lock.release()
    return lock is not None


def state_of(folder: Path, store: Store) -> RunState:
    """The state of a run.

    Args:
        folder: folder of the run.
        store: the store in the same folder of runs.
    """
    if (folder / "record.json").exists():
        return RunState("finished")
    if (folder / "failed.json").exists():
        return RunState("failed", f"see {folder / 'failed.json'}")
    begun = _begun(folder)
    if begun is None:
        return RunState("unfinished", _last_line(folder))
    if begun.ended == MISTAKE:
        return RunState(MISTAKE, begun.reason)
    if not _is_free(begun.run, store):
        return RunState("running", _last_line(folder))
    here = importlib.metadata.version("torch")
    if _public(begun.torch) != _public(here):
        return RunState(
            "stale",
            f"begun with torch {begun.torch}, here is {here}: continue it there, or remove the "
            "folder to begin anew",
        )
    if begun.ended == STOPPED:
        return RunState(STOPPED, "the same command continues")
    return RunState("dead", "its process is gone; the same command continues")


def _begun(folder: Path) -> Begun | None:
    """The state that the run wrote; None if there is none that can be read."""
    try:
        told: dict[str, Any] = read_json(folder / STATE)
        return Begun(**told)
    except (UserError, TypeError):
        return None


def _is_free(key: str, store: Store) -> bool:
    try:
        return is_free(key, store)
    except OSError:  # no process can be working on a read-only disk
        return True


def _last_line(folder: Path) -> str:
    log = folder / "log.txt"
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines() if log.exists() else []
    return lines[-1] if lines else ""


def _public(version: str) -> str:
    """A version without its build label, such as "+cpu"."""
    return version.partition("+")[0]
