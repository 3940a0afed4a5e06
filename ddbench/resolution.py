"""Which settings a method runs with, and where each of them comes from."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from .budget import Budget
from .plugins import METHODS
from .recipes import layers
from .settings import typed_settings


@dataclass(frozen=True)
class MethodChoice:
    """A method with its resolved settings.

    Args:
        name: of the method.
        settings: an instance of its `Settings`.
        sources: where each value comes from, by name.
        input_space: the space that its recipe names, if any.
        notes: what must be said aloud about the recipe.
        given: the values that a person gave.
        dataset: name of the dataset that it is for.
        ipc: images per class that it is for.
        recipe_budget: the budget whose recipes hold.
        budget: the fractions by which published values shrink.
    """

    name: str
    settings: Any
    sources: dict[str, str]
    input_space: str | None
    notes: tuple[str, ...]
    given: dict[str, Any]
    dataset: str
    ipc: int
    recipe_budget: str
    budget: Budget

    def for_ipc(self, ipc: int) -> MethodChoice:
        """The same choice for other images per class."""
        return resolve_method(
            self.name, self.given, self.dataset, ipc, self.recipe_budget, self.budget
        )

    def as_published(self) -> MethodChoice:
        """The same choice with all of the published computation."""
        return resolve_method(self.name, self.given, self.dataset, self.ipc, "paper", Budget())


def resolve_method(
    name: str, given: dict[str, Any], dataset: str, ipc: int, recipe_budget: str, budget: Budget
) -> MethodChoice:
    """A method's settings: default, published recipe, scaled, budget's recipe, then given.

    Args:
        name: of the method.
        given: values that a person gave.
        dataset: name of the dataset, by which recipes are chosen.
        ipc: images per class, by which recipes are chosen.
        recipe_budget: the budget whose own recipes are laid over the published ones.
        budget: the fractions by which published values shrink.

    Raises:
        UserError: for names, types and ranges.
    """
    settings_type = METHODS[name].Settings
    values: dict[str, Any] = {}
    sources = {item.name: "default" for item in dataclasses.fields(settings_type)}
    space: str | None = None
    notes: list[str] = []

    def lay(budget_of_layer: str) -> None:
        nonlocal space
        for layer in layers(name, budget_of_layer, dataset, ipc):
            values.update(layer.entry.settings)
            sources.update(dict.fromkeys(layer.entry.settings, f"recipe: {layer.entry.source}"))
            space = layer.entry.input_space or space
            notes.extend([layer.note] if layer.note else [])

    lay("paper")
    for item in dataclasses.fields(settings_type):
        fraction = budget.fraction(item.metadata["scaled"]) if item.metadata.get("scaled") else 1.0
        if fraction < 1:
            published = values.get(item.name, item.default)
            values[item.name] = max(1, round(published * fraction))
            sources[item.name] += f", {published} x {fraction:g} by the budget"
    if recipe_budget != "paper":
        notes.clear()
        lay(recipe_budget)
    values.update(given)
    sources.update(dict.fromkeys(given, "given"))
    settings = typed_settings(settings_type, values, f"method {name}")
    return MethodChoice(
        name,
        settings,
        sources,
        space,
        tuple(dict.fromkeys(notes)),
        given,
        dataset,
        ipc,
        recipe_budget,
        budget,
    )
