"""The settings that a method runs with, and the source of each."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from ..plugins.presets import preset
from ..plugins.recipes import Layer, layers
from ..plugins.settings import typed_settings
from ..training.budget import Budget
from .registry import METHODS


@dataclass(frozen=True)
class MethodChoice:
    """A method with its resolved settings.

    Args:
        name: the method's name.
        settings: an instance of its `Settings`.
        sources: the source of each value, by name.
        input_space: the input space that its recipe names, if any.
        notes: notes about the recipe, printed by the run.
        unpublished: settings, and "input_space", for which a recipe has no value published for the
            dataset and ipc: the value is its own choice, or for another ipc.
        given: the values that the user gave.
        dataset: name of the dataset to distil.
        ipc: images per class.
        recipe_budget: the budget whose recipes apply.
        budget: the fractions by which published values are reduced.
    """

    name: str
    settings: Any
    sources: dict[str, str]
    input_space: str | None
    notes: tuple[str, ...]
    unpublished: tuple[str, ...]
    given: dict[str, Any]
    dataset: str
    ipc: int
    recipe_budget: str
    budget: Budget

    def for_ipc(self, ipc: int) -> MethodChoice:
        """The same choice for a different number of images per class."""
        return resolve_method(
            self.name, self.given, self.dataset, ipc, self.recipe_budget, self.budget
        )

    def as_published(self) -> MethodChoice:
        """The same choice with the full published computation."""
        return resolve_method(self.name, self.given, self.dataset, self.ipc, "paper", Budget())


def resolve_method(
    name: str, given: dict[str, Any], dataset: str, ipc: int, recipe_budget: str, budget: Budget
) -> MethodChoice:
    """Resolve a method's settings.

    Later sources override earlier ones: defaults, the published recipe, scaling by the budget, the
    budget's own recipe, and given values.

    Args:
        name: the method's name.
        given: values that the user gave.
        dataset: name of the dataset, which selects the recipe.
        ipc: images per class, which select the recipe.
        recipe_budget: the named budget whose own recipes override the published ones.
        budget: the fractions by which published values are reduced; a fraction that differs from
            the named budget's was given by the user, and what it scales is not taken from that
            budget's recipe.

    Raises:
        UserError: for names, types and ranges.
    """
    settings_type = METHODS[name].Settings
    fields = dataclasses.fields(settings_type)
    values: dict[str, Any] = {}
    sources = {item.name: "default" for item in fields}
    notes: dict[str, str | None] = {}
    own: dict[str, bool] = {}
    space: str | None = None
    named = typed_settings(Budget, preset("budget", recipe_budget), "budget")

    def lay(layer: Layer, skipped: frozenset[str] = frozenset()) -> None:
        nonlocal space
        entry = layer.entry
        laid = {k: v for k, v in entry.settings.items() if k not in skipped}
        values.update(laid)
        sources.update(dict.fromkeys(laid, f"recipe: {entry.source}"))
        set_here = [*laid, *(["input_space"] if entry.input_space else [])]
        notes.update(dict.fromkeys(set_here, layer.note))
        own.update(dict.fromkeys(set_here, entry.own_choice or entry.budget != "paper"))
        space = entry.input_space or space

    for layer in layers(name, "paper", dataset, ipc):
        lay(layer)
    rescaled = set()
    for item in fields:
        scaled = item.metadata.get("scaled")
        if scaled is None:
            continue
        if budget.fraction(scaled) < 1:
            published = values.get(item.name, item.default)
            values[item.name] = max(1, round(published * budget.fraction(scaled)))
            sources[item.name] += f", {published} x {budget.fraction(scaled):g} by the budget"
        if budget.fraction(scaled) != named.fraction(scaled):
            rescaled.add(item.name)
    if recipe_budget != "paper":
        for layer in layers(name, recipe_budget, dataset, ipc):
            lay(layer, frozenset(rescaled))
    values.update(given)
    sources.update(dict.fromkeys(given, "given"))
    notes.update(dict.fromkeys(given))
    own.update(dict.fromkeys(given, False))
    settings = typed_settings(settings_type, values, f"method {name}")
    told = tuple(dict.fromkeys(note for note in notes.values() if note))
    return MethodChoice(
        name,
        settings,
        sources,
        space,
        told,
        tuple(sorted(name for name, chosen in own.items() if chosen or notes[name])),
        given,
        dataset,
        ipc,
        recipe_budget,
        budget,
    )
