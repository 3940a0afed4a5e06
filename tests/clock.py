"""A clock that a test sets, in place of the module `time`."""

from __future__ import annotations


class Clock:
    """Stands still until the test sets `now`, in seconds."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now

    def strftime(self, form: str) -> str:
        return "2026-01-01 00:00:00 "
