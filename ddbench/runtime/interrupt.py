"""Requests to stop: noticed at the next step; a second TERM or INT ends the process at once.

HUP, USR1, USR2 and XCPU are sent by closed terminals, schedulers and time limits before they kill.
They may arrive more than once (XCPU every second), so a second one has no effect.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..errors import StopRequested

URGENT = (signal.SIGTERM, signal.SIGINT)
WARNINGS = tuple(
    getattr(signal, name)
    for name in ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
    if hasattr(signal, name)  # Windows has none of them
)
SIGNALS = (*URGENT, *WARNINGS)


class StopFlag:
    """A flag that is set by a signal and checked between steps."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def wait(self, seconds: float) -> None:
        """Wait, then raise `StopRequested` if a signal has arrived."""
        time.sleep(seconds)
        self.check()

    def check(self) -> None:
        """Raise `StopRequested` if a signal has arrived."""
        if self.signal_number is not None:
            raise StopRequested(self.signal_number)

    @contextmanager
    def listening(self) -> Iterator[StopFlag]:
        """Catch `SIGNALS` during the block; only in the main thread, where this is possible.

        `WARNINGS` that the process was started to ignore, as by `nohup`, stay ignored.
        """
        if threading.current_thread() is not threading.main_thread():
            yield self
            return

        def note(number: int, frame: FrameType | None) -> None:
            self.signal_number = number
            if number in URGENT:
                signal.signal(number, signal.SIG_DFL)

        ignored = {number for number in WARNINGS if signal.getsignal(number) is signal.SIG_IGN}
        before = {
            number: signal.signal(number, note) for number in SIGNALS if number not in ignored
        }
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
