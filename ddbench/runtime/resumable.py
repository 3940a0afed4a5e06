"""The driver of all long work: progress, checkpoints, stop requests and cost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from ..errors import StopRequested
from ..records.cost import PhaseCost
from .checkpoint import Checkpoint
from .progress import Scalars
from .runtime import Runtime

PARTS = ("begin", "steps", "checkpoints", "finish")
"""The parts of long work; each has its own cost, including peak memory."""

Parts = dict[str, PhaseCost]
"""The cost of each of `PARTS`."""


class Resumable(Protocol):
    """Work in equal steps whose state can be saved between any two steps."""

    @property
    def total_steps(self) -> int:
        """Total number of steps."""
        ...

    @property
    def steps_done(self) -> int:
        """Steps taken so far."""
        ...

    def step(self) -> Scalars:
        """Take one step and return scalars for the progress line.

        A step that raises `StopRequested` leaves the state unchanged, and is repeated later.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to resume: nested dicts and lists of tensors, numbers and strings."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state."""
        ...


Work = TypeVar("Work", bound=Resumable)


def run_resumably(
    begin: Callable[[], Work], title: str, runtime: Runtime, checkpoint: Checkpoint
) -> tuple[Work, Parts]:
    """Complete some work, starting from the checkpoint of an interrupted process if there is one.

    Args:
        begin: creates the work; its state is then loaded from the checkpoint if that has one.
        title: title of the progress line.
        runtime: the run's runtime.
        checkpoint: file of the unfinished state; the caller removes it once the product is saved.

    Returns:
        The finished work, and the cost of its parts over all processes involved; the caller fills
        in the part "finish".

    Raises:
        StopRequested: after the state has been saved.
    """
    saved = checkpoint.load()
    parts = {name: PhaseCost(**(saved["parts"][name] if saved else {})) for name in PARTS}
    measure = runtime.meter.measure
    with measure(parts["begin"]):
        work = begin()
        if saved:
            work.load_state_dict(saved["work"])

    def save() -> None:
        with measure(parts["checkpoints"]):
            plain = {name: part.plain() for name, part in parts.items()}
            checkpoint.save({"work": work.state_dict(), "parts": plain})

    with (
        measure(parts["steps"]),
        runtime.progress.phase(title, work.total_steps, work.steps_done) as phase,
    ):
        while work.steps_done < work.total_steps:
            try:
                runtime.stop.check()
                scalars = work.step()
            except StopRequested:  # possibly within a step, which is then repeated
                save()
                raise
            phase.advance(work.steps_done, scalars)
            if checkpoint.due:
                save()
    return work, parts
