"""A kind of attempt, and what every attempt may require of the answers that it gets."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from ddbench.cli.main import main
from ddbench.testing.promise import require

LONGEST_LINE = 1000
"""The most characters of a message, without names of files: lists of known names are long."""


@dataclass(frozen=True)
class Kind:
    """One kind of attempt.

    Args:
        name: its name on the command line.
        attempt: takes random draws, an empty folder of its own, and one that attempts share. It
            returns if every promise is kept, and raises if one is not.
        share: its share of the time, relative to the other kinds.
        seconds: the time after which an unfinished attempt is a failure.
        growth_bytes: the memory that an attempt may ask for; None: unbounded, for attempts that
            work in processes of their own.
    """

    name: str
    attempt: Callable[[random.Random, Path, Path], None]
    share: float
    seconds: float
    growth_bytes: int | None = None


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    status: int
    out: str
    err: str


def answer(*words: str) -> Answer:
    """Call the command line in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        status = main(list(words))
    return Answer(status, out.getvalue(), err.getvalue())


def require_line(message: str, *paths: Path) -> None:
    """Require one readable line; the paths of files do not count towards its length."""
    require("\n" not in message, f"a message of several lines: {message[:300]!r}")
    require("Traceback" not in message, f"a traceback: {message[:300]!r}")
    shorter = message
    for path in paths:
        shorter = shorter.replace(str(path), path.name)
    length = len(shorter)
    require(length <= LONGEST_LINE, f"a message of {length} characters: {message[:300]!r}")
    require(message.isprintable(), f"a message that cannot be printed: {message[:300]!r}")


def require_mistake(found: Answer, *paths: Path) -> None:
    """Require status 2 and one line on stderr."""
    require(found.status == 2, f"status {found.status}: {found.err[-500:]!r}")
    require(found.err.startswith("ddbench: "), f"stderr begins {found.err[:300]!r}")
    require(found.err.endswith("\n"), "stderr ends without a line break")
    require_line(found.err[:-1], *paths)
