"""Learning rates of students of other architectures, chosen once and frozen."""

from __future__ import annotations

from ddbench import Loss, TrainingRecipe
from ddbench.models.spec import ModelSpec

RATES = {"vgg11": 0.001, "resnet18": 0.01, "vit": 0.01, "alexnet": 0.01, "mlp": 0.01}
"""Rates of SGD with momentum under cross-entropy, by architecture; the same for every method.

Each is the rate of hard/1, as APM's released evaluation gives every architecture one rate, unless
another was better by more than five points on average: one network per trial cannot resolve less.
Trials, with Random's images, the narrow model's data and held-out training images, accuracy in
percent:

    rate                           .001   .003   .01    .03    .1
    digits ipc 1, 500 epochs
      mlp                          56.7   60.6   59.7   58.1   60.0
      alexnet                      10.2   35.0   61.3   57.9   10.2
      vgg11                        58.8   44.4   10.2   12.0   10.0
      resnet18                     63.0   61.8   61.3   61.3   51.9
      vit                          55.1   59.0   60.4   52.5   39.8
    digits ipc 10, 200 epochs
      mlp                          45.6   65.7   88.4   91.9   92.4
      alexnet                      16.7   19.0   37.7   56.0   13.0
      vgg11                        93.5   91.4   50.0   10.0   10.2
      resnet18                     94.2   95.4   95.8   96.5   79.9
      vit                          62.0   77.5   90.3   92.4   10.2
    CIFAR-10 ipc 10, 100 epochs
      alexnet                      10.6          24.6   20.3
      vgg11                        25.3          28.1   10.0

by commands such as (validation=0.3 on digits, 0.1 on CIFAR-10)

    ddbench run -m method=random control=null dataset=digits ipc=1 validation=0.3 protocols=[hard] \
        budget=smoke budget.evaluation=0.5 evaluators=[cross_architecture] \
        evaluators.cross_architecture.targets=[mlp,alexnet,vit,vgg11,resnet18] \
        evaluators.cross_architecture.trial_rate=0.001,0.003,0.01,0.03,0.1

Changing a rate changes results: raise the evaluator's version with it.
"""
ELSEWHERE = 0.01
"""The rate of every other architecture."""


def transfer_rate(model: ModelSpec, recipe: TrainingRecipe) -> float:
    """The frozen learning rate of an architecture, the same for every set.

    Under losses other than cross-entropy it is the recipe's own, as in APM's released evaluation.
    """
    if recipe.loss is not Loss.cross_entropy:
        return recipe.learning_rate
    return RATES.get(model.name, ELSEWHERE)
