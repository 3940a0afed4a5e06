"""What every part of a run needs beside its task: store, device, costs, news and the stop flag."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from ..store.store import Store
from .checkpoint import Checkpoint
from .device import Execution
from .interrupt import StopFlag
from .meters import CostMeter
from .progress import Progress

POLL_SECONDS = 0.2


@dataclass
class Context:
    """The surroundings of one run.

    Args:
        store: of artefacts.
        execution: device and threads.
        meter: of costs.
        progress: console and log.
        stop: set when a signal asks to stop.
        checkpoint_seconds: least time between two checkpoints.
    """

    store: Store
    execution: Execution
    meter: CostMeter
    progress: Progress
    stop: StopFlag
    checkpoint_seconds: float = 60.0

    @contextmanager
    def locked(self, kind: str, determinants: Mapping[str, Any], what: str) -> Iterator[None]:
        """Hold an artefact's lock, so that two processes do not make the same thing twice.

        Args:
            kind: of artefact.
            determinants: of artefact.
            what: the artefact in words, for people who wait.

        Raises:
            StopRequested: when asked to stop while another process holds it.
        """
        lock = self.store.try_lock(kind, determinants)
        if lock is None:
            with self.waiting(what) as wait:
                while lock is None:
                    wait()
                    lock = self.store.try_lock(kind, determinants)
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def waiting(self, what: str) -> Iterator[Callable[[], None]]:
        """A pause for another process, which no cost of this one contains.

        Yields a function that lets a moment pass; it raises `StopRequested` when asked to stop.
        """
        self.progress.say(f"another process is at work on {what}; waiting for it")
        with self.meter.measure():
            yield lambda: self.stop.wait(POLL_SECONDS)

    def checkpoint(self, kind: str, determinants: Mapping[str, Any]) -> Checkpoint:
        """The checkpoint of an artefact that is being made."""
        path = self.store.checkpoint(kind, determinants)
        return Checkpoint(path, self.checkpoint_seconds, self.execution)
