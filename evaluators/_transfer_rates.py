"""Learning rates of students of other architectures, chosen once and frozen."""

from __future__ import annotations

from ddbench.models.model import ModelSpec
from ddbench.training.recipe import Loss, TrainingRecipe

RATES = {"vgg11": 0.01, "resnet18": 0.01, "vit": 0.01, "alexnet": 0.01, "mlp": 0.01}
"""Rates of SGD with momentum under cross-entropy, by architecture."""
ELSEWHERE = 0.01
"""For every other architecture."""


def transfer_rate(model: ModelSpec, recipe: TrainingRecipe) -> float:
    """The frozen learning rate of an architecture, whatever the set.

    Under other losses than cross-entropy it is the recipe's own, as in APM's released evaluation.
    """
    if recipe.loss is not Loss.cross_entropy:
        return recipe.learning_rate
    return RATES.get(model.name, ELSEWHERE)
