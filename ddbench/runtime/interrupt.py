"""Requests to stop: a first signal is noticed at the next step, a second one ends the process."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..errors import StopRequested

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class StopFlag:
    """Set by a signal, looked at between steps."""

    def __init__(self) -> None:
        self.signal_number: int | None = None

    def wait(self, seconds: float) -> None:
        """Pass some time, and raise `StopRequested` when a signal comes meanwhile."""
        time.sleep(seconds)
        self.check()

    def check(self) -> None:
        """Raise `StopRequested` when a signal has come."""
        if self.signal_number is not None:
            raise StopRequested(self.signal_number)

    @contextmanager
    def listening(self) -> Iterator[StopFlag]:
        """Catch SIGTERM and SIGINT during a block (in the main thread, where that is possible)."""
        if threading.current_thread() is not threading.main_thread():
            yield self
            return

        def note(number: int, frame: FrameType | None) -> None:
            self.signal_number = number
            signal.signal(number, signal.SIG_DFL)

        before = {number: signal.signal(number, note) for number in SIGNALS}
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
