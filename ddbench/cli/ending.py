"""How a run on the command line ends: its message, its exit status, a traceback in a file."""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import StopRequested, UserError, in_words
from ..records.report import report
from ..runs.execute import Outcome
from ..runtime.runtime import HeldElsewhere
from ..store.files import write_bytes

DONE, FAILURE, MISTAKE = 0, 1, 2


@dataclass(frozen=True)
class Ending:
    """How a run ended.

    Args:
        status: its exit status.
        record: the file of its record, if it is done.
        ran: False if the record was there already.
        reason: why it is not done, in one line.
    """

    status: int
    record: Path | None = None
    ran: bool = True
    reason: str = ""


def ending_of(
    work: Callable[[], Outcome], root: Path, label: str = "", brief: bool = False
) -> Ending:
    """Do a run and print how it ended; a mistake or a failure takes one line.

    Args:
        work: the run.
        root: the folder of runs, where the traceback of a failure is kept.
        label: the beginning of that line, such as the cell of a sweep.
        brief: print nothing about a run that is finished already.

    Raises:
        StopRequested: when asked to stop.
        HeldElsewhere: if another process is doing the run and `work` does not wait for it.
    """
    try:
        outcome = work()
    except (StopRequested, HeldElsewhere):
        raise
    except UserError as error:
        note(f"{label}{error}")
        return Ending(MISTAKE, reason=str(error))
    except Exception as error:
        noted = getattr(error, "__notes__", None)
        file = noted[-1] if noted else _traceback_file(root, label)
        note(f"{label}failed: {in_words(error)}; the traceback is in {file}")
        return Ending(FAILURE, reason=in_words(error))
    record = outcome.folder / "record.json"
    if not outcome.ran and not brief:
        print(f"finished already: {record}\n\n{report(outcome.record)}")
    return Ending(DONE, record, outcome.ran)


def note(line: str) -> None:
    """Print a line on stderr."""
    print(f"ddbench: {line}", file=sys.stderr, flush=True)


def _traceback_file(root: Path, label: str) -> Path:
    """Keep the traceback of the error being handled, which would drown the line on the console."""
    name = f"{time.strftime('%Y-%m-%d_%H-%M-%S')}-{time.time_ns() % 10**9:09}-{os.getpid()}.txt"
    file = root / "failures" / name
    with suppress(OSError):  # the disk itself may be the problem
        write_bytes(file, f"{label}\n{traceback.format_exc()}".encode())
    return file
