"""Random real images of each class: the control that every other method is compared with."""

from __future__ import annotations

from dataclasses import dataclass

from ddbench import DistilledSet, Method, MethodSettings, TrainingRecipe

EVALUATION = TrainingRecipe(epochs=1001, learning_rate=0.01, milestones=(502,))
"""How DSA and DM score hard-label sets: 1000 epochs and one more, x0.1 after epoch index 501.

The released code creates a new optimiser there, which resets the momentum; here it is kept.

Zhao & Bilen (ICML 2021; WACV 2023), released evaluation.
"""


class Random(Method):
    """Real images of each class, drawn uniformly without replacement, with their class ids."""

    needs_equal_counts = False
    selects = True

    @dataclass
    class Settings(MethodSettings):
        """Random has no settings of its own."""

    def finish(self) -> DistilledSet:
        """The drawn images."""
        return self.task.distilled_set(
            self.task.real.images(self.task.real_subset()),
            self.task.class_ids(),
            evaluation=EVALUATION,
        )
