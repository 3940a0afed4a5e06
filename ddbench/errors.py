"""The two ways a run ends early that are not failures of the software."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any

LONGEST_MESSAGE = 2000
"""Characters; file names and lists of all known names can be long."""


class UserError(Exception):
    """A mistake the user can fix: the message says in one line what, where and what is right.

    The command line prints the message alone and exits with status 2. Messages may quote untrusted
    text: line breaks become spaces, unprintable characters are escaped as in Python, and the middle
    of an absurdly long message is left out.
    """

    def __init__(self, message: str = "") -> None:
        super().__init__(_without_middle(printable(message), LONGEST_MESSAGE))


class StopRequested(Exception):
    """A signal asked the process to stop; started again, the run continues."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by signal {signal_number}")
        self.signal_number = signal_number


def printable(text: str) -> str:
    """A text on one line, with unprintable characters escaped as in Python."""
    line = " ".join(text.splitlines())
    if line.isprintable():
        return line
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in line)


def shortened(text: str, longest: int = 200) -> str:
    """A text, which may be untrusted, on one line; the middle of a long text is left out."""
    ends = text if len(text) <= 20 * longest else f"{text[: 10 * longest]}…{text[-10 * longest :]}"
    return _without_middle(printable(" ".join(ends.split())), longest)


def _without_middle(line: str, longest: int) -> str:
    """The line, or only its beginning and end if it is too long."""
    end = longest // 3
    return line if len(line) <= longest else f"{line[: longest - end - 1]}…{line[-end:]}"


def shown(value: Any, longest: int = 80) -> str:
    """The `repr` of a value, which may be untrusted, on one line and cut short."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a number with thousands of digits, a deeply nested list
        text = f"a {type(value).__name__} of absurd size"
    line = printable(" ".join(text[: 10 * longest].split()))
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


def in_words(error: BaseException) -> str:
    """The type of an error and its message on one line; a `MemoryError` often has no message."""
    reason = " ".join(str(error).split())
    if not reason and isinstance(error, MemoryError):
        reason = "there is not enough memory"
    kind = type(error).__name__
    return f"{kind}: {reason}" if reason else kind


def unknown_name(noun: str, name: str, known: Iterable[str]) -> UserError:
    """An error for an unknown name that suggests similar names, or else lists all of them."""
    names = sorted(known)
    near = near_names(name, names)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}"
    return UserError(f"unknown {noun} {shown(name)}: {hint}")


def near_names(name: str, known: Iterable[str], least: float = 0.5) -> list[str]:
    """Up to three known names similar to `name`, best first; leading dashes are ignored.

    Args:
        name: as it was written.
        known: all names.
        least: least similarity, 0 to 1, as difflib measures it.
    """
    bare = {one.lstrip("-"): one for one in known}
    near = difflib.get_close_matches(name.lstrip("-"), bare, n=3, cutoff=least)
    return [bare[one] for one in near]
