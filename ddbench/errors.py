"""The two ways a run ends early that are not failures of the software."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

LONGEST_MESSAGE = 2000
"""Characters; names of files, and lists of all names that are known, are long."""


class UserError(Exception):
    """A mistake the user can mend: the message is one line saying what, where and what is right.

    The command line prints the message alone and exits with status 2. What a message quotes may
    come from anybody: line breaks in it become spaces, letters that cannot be printed are written
    as Python escapes them, and of an absurdly long one the middle is left out.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_without_middle(printable(message), LONGEST_MESSAGE))


class StopRequested(Exception):
    """A signal asked the process to stop; given again, the run continues."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by signal {signal_number}")
        self.signal_number = signal_number


def printable(text: str) -> str:
    """A text on one line, with what cannot be printed written as Python escapes it."""
    line = " ".join(text.splitlines())
    if line.isprintable():
        return line
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line)


def shortened(text: str, longest: int = 200) -> str:
    """A text that may come from anybody, on one line; of a long one the middle is left out."""
    ends = text if len(text) <= 20 * longest else f"{text[: 10 * longest]}…{text[-10 * longest :]}"
    return _without_middle(printable(" ".join(ends.split())), longest)


def _without_middle(line: str, longest: int) -> str:
    """The line, of which the beginning and the end are kept where it is too long."""
    end = longest // 3
    return line if len(line) <= longest else f"{line[: longest - end - 1]}…{line[-end:]}"


def shown(value: Any, longest: int = 80) -> str:
    """A value as Python writes it, on one line and cut short: it may come from anybody."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number of thousands of digits, a bottomless list
        text = f"a {type(value).__name__} of absurd size"
    line = printable(" ".join(text[: 10 * longest].split()))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


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
    near = near_names(name, names)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}"
    return UserError(f"unknown {noun} {shown(name)}: {hint}")


def near_names(name: str, known: Iterable[str], least: float = 0.5) -> list[str]:
    """Up to three known names that resemble one, the nearest first; dashes before it count not.

    Args:
        name: as it was written.
        known: all names.
        least: resemblance, of 0 to 1, as difflib measures it.
    """
    bare = {one.lstrip("-"): one for one in known}
    near = difflib.get_close_matches(name.lstrip("-"), bare, n=3, cutoff=least)
    return [bare[one] for one in near]
