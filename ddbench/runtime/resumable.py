"""The one driver of long work: progress, checkpoints, a stop that is noticed, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from ..errors import StopRequested
from ..records.cost import PhaseCost
from .checkpoint import Checkpoint
from .progress import Scalars
from .runtime import Runtime

PARTS = ("begin", "steps", "checkpoints", "finish")
"""What long work is made of; each part has a cost, and with it a peak, of its own."""

Parts = dict[str, PhaseCost]
"""The cost of each of `PARTS`."""


class Resumable(Protocol):
    """Work in equal steps whose state can be saved between any two of them."""

    @property
    def total_steps(self) -> int:
        """Steps from beginning to end."""
        ...

    @property
    def steps_done(self) -> int:
        """Steps taken so far."""
        ...

    def step(self) -> Scalars:
        """Take one step and return scalars for the progress line.

        A step that raises `StopRequested` leaves the state as it was, and is taken again later.
        """
        ...

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on: nested dicts and lists of tensors, numbers and strings."""
        ...

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from a saved state."""
        ...


Work = TypeVar("Work", bound=Resumable)


def run_resumably(
    begin: Callable[[], Work], title: str, runtime: Runtime, checkpoint: Checkpoint
) -> tuple[Work, Parts]:
    """Do work to its end, from where an interrupted process left off.

    Args:
        begin: makes the work afresh; its state is then replaced where the checkpoint has one.
        title: of the progress line.
        runtime: of the run.
        checkpoint: where the unfinished state is kept; the caller removes it when the product is
            safe.

    Returns:
        The finished work, and the cost of its parts over all processes that took part; the part
        "finish" is the caller's to fill in.

    Raises:
        StopRequested: after the state was saved.
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
            except StopRequested:  # perhaps in the middle of a step, which is then taken again
                save()
                raise
            phase.advance(work.steps_done, scalars)
            if checkpoint.due:
                save()
    return work, parts
