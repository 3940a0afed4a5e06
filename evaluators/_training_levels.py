"""The levels of a factorial experiment on the training of students, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ddbench import TrainingRecipe


@dataclass(frozen=True)
class Trained:
    """The students of one cell.

    Args:
        subject: whose images they learn.
        protocol: label of the protocol that gives labels and recipe.
        regime: where the labels come from.
        recipe: how they are trained.
        values: the accuracy of each.
    """

    subject: str
    protocol: str
    regime: str
    recipe: TrainingRecipe
    values: tuple[float, ...]


def recipe_of_level(recipe: TrainingRecipe, drawn: bool, part: float) -> TrainingRecipe:
    """A recipe with or without what it draws to change a batch, and with a part of its epochs.

    Args:
        recipe: at the budget.
        drawn: whether it augments, and cuts and mixes, as it says.
        part: of its epochs.
    """
    recipe = recipe.scaled(part)
    return recipe if drawn else replace(recipe, augment=False, cutmix=0.0)


def learned_with(one: Trained) -> str:
    """Where labels come from, and the recipe that comes with them."""
    recipe = one.recipe
    loss = recipe.loss.name.replace("_", " ")
    return f"{one.protocol} is {one.regime}, {loss}, {recipe.optimiser} at {recipe.learning_rate:g}"


def _augmentation(one: Trained) -> str:
    recipe = one.recipe
    drawn = [recipe.augmentation.name] if recipe.augment else []
    return ", ".join([*drawn, *(["cutmix"] if recipe.cutmix else [])]) or "none"


FACTORS: dict[str, Callable[[Trained], str]] = {
    "images": lambda one: one.subject,
    "labels": lambda one: one.protocol,
    "augmentation": _augmentation,
    "budget": lambda one: f"{one.recipe.epochs} epochs",
}
"""Each factor, in the order of a cell, with what its level is called."""


def in_words(told: Iterable[str]) -> str:
    """What is told of some cells, each thing once, such as "40 epochs"."""
    return " or ".join(dict.fromkeys(told))
