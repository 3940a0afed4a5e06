"""The two ways a run ends early that are not failures of the software."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class UserError(Exception):
    """A mistake the user can mend: the message is one line saying what, where and what is right.

    The command line prints the message alone and exits with status 2.
    """


class StopRequested(Exception):
    """A signal asked the process to stop; given again, the run continues."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by signal {signal_number}")
        self.signal_number = signal_number


def shown(value: Any, longest: int = 80) -> str:
    """A value as Python writes it, on one line and cut short: it may come from anybody."""
    try:
        text = " ".join(repr(value).split())
    except (ValueError, RecursionError):  # a number of thousands of digits, a bottomless list
        text = f"a {type(value).__name__} of absurd size"
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def in_words(error: BaseException) -> str:
    """The kind of an error and its message on one line; many a `MemoryError` has no message."""
    reason = " ".join(str(error).split())
    if not reason and isinstance(error, MemoryError):
        reason = "there is not enough memory"
    kind = type(error).__name__
    return f"{kind}: {reason}" if reason else kind


def unknown_name(noun: str, name: str, known: Iterable[str]) -> UserError:
    """An error for a name that does not exist, with near names or else all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}"
    return UserError(f"unknown {noun} {shown(name)}: {hint}")
