"""Attempts in a process of their own, which may hang, die or ask for all memory."""

from __future__ import annotations

import os
import random
import resource
import shutil
import tempfile
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

import psutil
from processes import PROCESSES

from ddbench.errors import in_words
from ddbench.testing.promise import Broken

from .attempt import Kind

KEPT = "kept"


@dataclass(frozen=True)
class Ended:
    """How an attempt ended.

    Args:
        seed: the seed of its draws.
        problem: one line on what was not as promised; None if everything was.
        details: a traceback, if there is one.
    """

    seed: int
    problem: str | None = None
    details: str = ""


def tried(kind: Kind, seed: int, root: Path) -> Ended:
    """Make one attempt in this process."""
    kept = root / KEPT
    kept.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{kind.name}-{seed}-", dir=root))
    try:
        kind.attempt(random.Random(f"{kind.name}:{seed}"), folder, kept)
    except Broken as broken:
        return Ended(seed, " ".join(str(broken).split()))
    except Exception as error:
        return Ended(seed, in_words(error), traceback.format_exc())
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Ended(seed)


def attempts(kind: Kind, first: int, seconds: float, most: int | None, root: Path) -> list[Ended]:
    """Attempts with consecutive seeds, at least one, until the time is over.

    Args:
        kind: the kind of attempt.
        first: the first seed.
        seconds: the time for all of them.
        most: the most attempts; None: as many as there is time for.
        root: a folder for what they write.
    """
    theirs, ours = PROCESSES.Pipe()
    process = PROCESSES.Process(target=_work, args=(theirs, kind, first, seconds, most, root))
    process.start()
    theirs.close()
    ended: list[Ended] = []
    while True:
        try:
            if not ours.poll(kind.seconds):
                problem = f"no end after {kind.seconds:g} s"
                break
            message = ours.recv()
        except EOFError:
            process.join()
            problem = f"the process ended with {process.exitcode}"
            break
        if message is None:
            process.join()
            return ended
        ended.append(message)
    process.kill()
    process.join()
    return [*ended, Ended(first + len(ended), problem)]


def _work(
    answers: Connection, kind: Kind, first: int, seconds: float, most: int | None, root: Path
) -> None:
    begun = time.monotonic()
    os.chdir(root)
    if kind.growth_bytes is not None:
        here = psutil.Process().memory_info().vms
        resource.setrlimit(resource.RLIMIT_AS, (here + kind.growth_bytes,) * 2)
    seed = first
    while seed == first or time.monotonic() - begun < seconds:
        if most is not None and seed - first >= most:
            break
        answers.send(tried(kind, seed, root))
        seed += 1
    answers.send(None)
