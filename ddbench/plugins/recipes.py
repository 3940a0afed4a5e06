"""Recipes: published hyper-parameters by (dataset, ipc, budget), each with its source.

A recipe is `configs/recipes/<method>.yaml`, a list of entries. Matching entries override each other
from general to specific: for all datasets, for the dataset, for the ipc in all datasets, for the
ipc in the dataset. If the exact ipc is missing, the nearest one in ratio is used, and the run
prints a note.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import UserError
from .presets import folders, preset


@dataclass(frozen=True)
class Entry:
    """One entry of a recipe.

    Args:
        source: where its values come from.
        budget: the budget that it is for.
        dataset: the dataset that it is for; None: all.
        ipc: the images per class that it is for; None: all.
        input_space: the input space that the method works in, if the entry names one.
        settings: values by name of the setting.
        own_choice: whether the authors published nothing for this case, so that the values are
            chosen here or borrowed from elsewhere; used in entries for the budget paper.
    """

    source: str
    budget: str = "paper"
    dataset: str | None = None
    ipc: int | None = None
    input_space: str | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    own_choice: bool = False


@dataclass(frozen=True)
class Layer:
    """An entry as it applies to one run, with the note to print about it, if any."""

    entry: Entry
    note: str | None = None


def recipe_entries(method: str) -> tuple[Entry, ...]:
    """The entries of a method's recipe; none for a method without one."""
    return entries_in(folders(), method)


@cache
def entries_in(folders: tuple[Path, ...], method: str) -> tuple[Entry, ...]:
    """The entries of a method's recipe, cached for the folders that are searched for presets."""
    try:
        return tuple(Entry(**row) for row in preset("recipes", method))
    except TypeError as error:
        raise UserError(f"recipe {method}.yaml: {error}") from error


def nearest_ipc(known: Iterable[int], ipc: int) -> int:
    """The known ipc nearest in ratio; the smaller one in a tie."""
    return min(known, key=lambda value: (max(value, ipc) / min(value, ipc), value))


def layers(method: str, budget: str, dataset: str, ipc: int) -> list[Layer]:
    """The entries that apply, the most specific last."""
    fitting = [e for e in recipe_entries(method) if e.budget == budget]
    general = [e for e in fitting if e.dataset is None]
    own = [e for e in fitting if e.dataset == dataset]
    found = [Layer(e) for e in general + own if e.ipc is None]
    for entries, place in ((general, method), (own, f"{method} for {dataset}")):
        known = sorted(e.ipc for e in entries if e.ipc is not None)
        if not known:
            continue
        nearest = nearest_ipc(known, ipc)
        note = None
        if nearest != ipc:
            note = f"no {budget} recipe of {place} ipc {ipc}: taking that of ipc {nearest}"
        found += [Layer(e, note) for e in entries if e.ipc == nearest]
    return found
