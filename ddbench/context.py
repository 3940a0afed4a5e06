"""What every part of a run needs beside its task: store, device, costs, news and the stop flag."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from .execution import Execution
from .interrupt import StopFlag
from .meters import CostMeter
from .progress import Progress
from .store.checkpoint import Checkpoint
from .store.store import Store


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

    def waiting(self, what: str) -> Callable[[], None]:
        """What to do while another process holds a lock: say so once, and notice a stop.

        Args:
            what: is being made there.
        """
        said = False

        def wait() -> None:
            nonlocal said
            if not said:
                self.progress.say(f"another process is at work on {what}; waiting for it")
                said = True
            self.stop.check()

        return wait

    def checkpoint(self, kind: str, determinants: Mapping[str, Any]) -> Checkpoint:
        """The checkpoint of an artefact that is being made."""
        path = self.store.checkpoint(kind, determinants)
        return Checkpoint(path, self.checkpoint_seconds, self.execution)
