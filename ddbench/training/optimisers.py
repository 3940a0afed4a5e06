"""Optimisers by name, for training recipes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import torch
from torch.nn import Parameter

if TYPE_CHECKING:
    from .recipe import TrainingRecipe

Parameters = Iterable[Parameter]


def _sgd(parameters: Parameters, recipe: TrainingRecipe) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        parameters,
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
    )


def _adam(parameters: Parameters, recipe: TrainingRecipe) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


def _adamw(parameters: Parameters, recipe: TrainingRecipe) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr=recipe.learning_rate, weight_decay=recipe.weight_decay)


OPTIMISERS: dict[str, Callable[[Parameters, TrainingRecipe], torch.optim.Optimizer]] = {
    "sgd": _sgd,
    "adam": _adam,
    "adamw": _adamw,
}
"""The loop calls `step(closure)`, so an optimiser may evaluate the gradient more than once."""
