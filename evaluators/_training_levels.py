"""The levels of a factorial experiment on student training, in words."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from ddbench import TrainingRecipe


@dataclass(frozen=True)
class Trained:
    """The students of one cell.

    Args:
        subject: the set whose images they are trained on.
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
    """A recipe with or without its augmentation and cutmix, and with a fraction of its epochs.

    Args:
        recipe: at the run's budget.
        drawn: whether to keep its augmentation and cutmix.
        part: fraction of its epochs.
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
"""Each factor, in the order of a cell, with a function that names its level."""


def in_words(told: Iterable[str]) -> str:
    """The descriptions of some cells, each distinct one once, such as "40 epochs"."""
    return " or ".join(dict.fromkeys(told))
