"""The budget: how much of the published computation is spent, the same everywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..plugins.settings import Settings, setting
from .recipe import TrainingRecipe


@dataclass
class Budget(Settings):
    """Fractions of the published computation; `configs/budget/` names three of them."""

    distilling: float = setting(1.0, "fraction of a method's published updates", above=0, high=1)
    teachers: float = setting(1.0, "fraction of the published epochs of teachers", above=0, high=1)
    teacher_steps: int = setting(
        1, "optimiser steps of a teacher at least, for small datasets", low=1
    )
    evaluation: float = setting(
        1.0, "fraction of the published epochs of evaluation networks", above=0, high=1
    )
    networks: int = setting(5, "evaluation networks per score", low=1, high=1000)

    @property
    def whole_networks(self) -> int:
        """Networks trained on the whole training set for the control `whole`: three at most."""
        return min(3, self.networks)

    def fraction(self, name: str) -> float:
        """The fraction by its name."""
        return float(getattr(self, name))

    def teacher_recipe(self, recipe: TrainingRecipe, examples: int) -> TrainingRecipe:
        """A published teacher recipe at this budget, for a training set of `examples` images."""
        enough = math.ceil(self.teacher_steps / recipe.steps_per_epoch(examples))
        epochs = min(recipe.epochs, max(round(recipe.epochs * self.teachers), enough, 1))
        return recipe.scaled(epochs / recipe.epochs)

    def evaluation_recipe(self, recipe: TrainingRecipe) -> TrainingRecipe:
        """A protocol's recipe at this budget; the rate still falls halfway."""
        return replace(recipe.scaled(self.evaluation), snapshot_epochs=())
