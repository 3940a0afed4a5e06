"""The two ways a run ends early that are not failures of the software."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class UserError(Exception):
    """A mistake the user can mend: the message is one line saying what, where and what is right.

    The command line prints the message alone and exits with status 2.
    """


class StopRequested(Exception):
    """A signal asked the process to stop; given again, the run continues."""

    def __init__(self, signal_number: int) -> None:
        super().__init__(f"stopped by signal {signal_number}")
        self.signal_number = signal_number


def unknown_name(noun: str, name: str, known: Iterable[str]) -> UserError:
    """An error for a name that does not exist, with near names or else all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names) or 'none'}"
    return UserError(f"unknown {noun} {name!r}: {hint}")
