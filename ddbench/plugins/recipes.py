"""Recipes: published hyper-parameters by (dataset, ipc, budget), each with its source.

A recipe is `configs/recipes/<method>.yaml`, a list of entries. Those that fit are laid over each
other from the general to the particular: for all, for the dataset, for the ipc in all datasets,
for the ipc in the dataset. Where the exact ipc is missing, the nearest one in ratio stands in, and
the run prints a note.
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
        input_space: the space that the method works in there, if it says so.
        settings: values by name of the setting.
        own_choice: whether its authors published nothing for what the entry is for, so that the
            values are chosen here or stand in from elsewhere; of entries for the budget paper.
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
    """An entry as it applies to one run, with what must be said about it."""

    entry: Entry
    note: str | None = None


def recipe_entries(method: str) -> tuple[Entry, ...]:
    """The entries of a method's recipe; none for a method without one."""
    return entries_in(folders(), method)


@cache
def entries_in(folders: tuple[Path, ...], method: str) -> tuple[Entry, ...]:
    """The entries of a method's recipe while presets are looked for in some folders."""
    try:
        return tuple(Entry(**row) for row in preset("recipes", method))
    except TypeError as error:
        raise UserError(f"recipe {method}.yaml: {error}") from error


def nearest_ipc(known: Iterable[int], ipc: int) -> int:
    """The nearest of the known images per class, in ratio; of two as near, the smaller."""
    return min(known, key=lambda value: (max(value, ipc) / min(value, ipc), value))


def layers(method: str, budget: str, dataset: str, ipc: int) -> list[Layer]:
    """The entries that apply, the most particular last."""
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
