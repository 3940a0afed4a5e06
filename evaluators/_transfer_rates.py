"""Learning rates of students of other architectures, chosen once and frozen."""

from __future__ import annotations

from ddbench.models.model import ModelSpec
from ddbench.training.recipe import Loss, TrainingRecipe

RATES = {"vgg11": 0.01, "resnet18": 0.01, "vit": 0.01, "alexnet": 0.01, "mlp": 0.01}
"""Rates of SGD with momentum under cross-entropy, by architecture; the same for every method.

They are the rate of hard/1, since APM's released evaluation gives every architecture one rate, and
what was tried speaks for no other: Random on digits at ipc 1, one network, 200 epochs, on 30% of
the training images held out, gave at .001 and .01: mlp 47.5 and 58.6, alexnet 16.0 and 31.2; at
.001 alone: vgg11 52.5, vit 46.8. The rest of the ladder is still to be tried, and so is any other
dataset, by

    ddbench run -m method=random control=null dataset=digits ipc=1 validation=0.3 protocols=[hard] \
        budget=smoke budget.evaluation=0.2 evaluators=[cross_architecture] \
        evaluators.cross_architecture.targets=[mlp,alexnet,vit,vgg11,resnet18] \
        evaluators.cross_architecture.trial_rate=0.001,0.003,0.01,0.03,0.1

Changing a rate changes numbers: raise the evaluator's version with it.
"""
ELSEWHERE = 0.01
"""For every other architecture."""


def transfer_rate(model: ModelSpec, recipe: TrainingRecipe) -> float:
    """The frozen learning rate of an architecture, whatever the set.

    Under other losses than cross-entropy it is the recipe's own, as in APM's released evaluation.
    """
    if recipe.loss is not Loss.cross_entropy:
        return recipe.learning_rate
    return RATES.get(model.name, ELSEWHERE)
