"""A training that shows progress, keeps checkpoints, notices a stop and counts what it costs."""

from __future__ import annotations

from typing import Any

from ..records.cost import PhaseCost
from ..runtime.checkpoint import Checkpoint
from ..runtime.runtime import Context
from .loop import Training, Weights


def train_resumably(
    training: Training, title: str, context: Context, checkpoint: Checkpoint
) -> tuple[dict[int, Weights], PhaseCost]:
    """Train to the end, from where an interrupted process left off.

    Args:
        training: fresh; its state is replaced where the checkpoint has one.
        title: of the progress line.
        context: of the run.
        checkpoint: where the unfinished state is kept; the caller removes it when the product
            is safe.

    Returns:
        Kept weights by completed epochs, and the cost over all processes that took part.

    Raises:
        StopRequested: after the state was saved.
    """
    saved = checkpoint.load()
    if saved is not None:
        training.load_state_dict(saved["training"])
    cost = PhaseCost(**saved["cost"]) if saved is not None else PhaseCost()

    with (
        context.meter.measure(cost),
        context.progress.phase(title, training.total_steps, training.steps_done) as phase,
    ):

        def state() -> dict[str, Any]:
            context.meter.update()
            return {"training": training.state_dict(), "cost": cost.plain()}

        def after_step(training: Training) -> None:
            phase.advance(training.steps_done, {"loss": training.loss})
            if context.stop.signal_number is not None:
                checkpoint.save(state())
                context.stop.check()
            checkpoint.save_if_due(state)

        return training.run(after_step), cost
