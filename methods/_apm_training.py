"""How APM's networks are trained, and which of their weights it uses.

Chen et al., "Dataset distillation via adversarial prediction matching" (2023), and the released
code, which counts epochs 0 ... E and so trains for one more than stated.
"""

from __future__ import annotations

import enum

from ddbench import Loss, TrainingRecipe


class CheckpointChoice(enum.Enum):
    """Which epochs of a student its K checkpoints come from."""

    spread = "spread"
    """Equally spaced over all epochs: APM."""
    first = "first"
    """The first K epochs: an ablation."""
    last = "last"
    """The last K epochs: an ablation."""


def checkpoint_epochs(choice: CheckpointChoice, epochs: int, checkpoints: int) -> list[int]:
    """Completed epochs at which a student's checkpoints are kept, ascending.

    The released loop counts epochs 0 ... E, so there are E + 1, and keeps a checkpoint after epoch
    k E / K.
    """
    if choice is CheckpointChoice.first:
        return list(range(1, checkpoints + 1))
    if choice is CheckpointChoice.last:
        return list(range(epochs + 2 - checkpoints, epochs + 2))
    return [1 + round(k * epochs / checkpoints) for k in range(1, checkpoints + 1)]


def teacher_recipe(epochs: int, rate: float = 0.05) -> TrainingRecipe:
    """How APM trains teachers: SGD .05 for 100 epochs, x0.1 from epoch 50 (released code)."""
    return TrainingRecipe(
        epochs=epochs,
        learning_rate=rate,
        milestones=(50 if epochs >= 100 else max(1, epochs // 2),),
    )


def student_recipe(epochs: int, rate: float) -> TrainingRecipe:
    """How APM scores its sets: L1 on logits, one epoch more than stated, x0.1 halfway."""
    return TrainingRecipe(
        epochs=epochs + 1, learning_rate=rate, milestones=(epochs // 2 + 1,), loss=Loss.l1
    )
