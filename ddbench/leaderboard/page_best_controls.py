"""Improvements over the best control, as tables of the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from ..records.report import NOT_MEASURED
from ..records.units import size
from .best_controls import Improvement
from .columns import Cell, count_cell, text_cell
from .entries import Setting, Variant
from .improvement_pictures import extent_of
from .labels import (
    best_control_label,
    budget_label,
    labels_head,
    model_and_budget_title,
    setting_title,
    variant_label,
    warning,
)
from .markdown_best_controls import counts_text, percent_of
from .markdown_text import percent
from .mean_improvements import Grid, MeanImprovement, ModelAndBudget
from .page_boards import placed

CLASSES = {1: "above", 0: "alike", -1: "below", None: ""}


def over_cells(alike: ModelAndBudget, means: Sequence[MeanImprovement]) -> dict[str, Any]:
    """Methods by protocol, each with a bar on the table's scale, in percent of its width."""
    grid = Grid.of(means)
    low, high = extent_of(means)
    return {
        "model": alike.model,
        "budget": budget_label(alike).full,
        "title": f"Mean improvement over the best control, {model_and_budget_title(alike)}",
        "warning": warning(alike),
        "headers": ["method", *map(labels_head, grid.protocols)],
        "rows": [
            {
                "method": variant_label(variant).full,
                "cells": [
                    _bar(grid.places.get((variant, protocol)), low, high)
                    for protocol in grid.protocols
                ],
            }
            for variant in grid.variants
        ],
    }


def _bar(one: MeanImprovement | None, low: float, high: float) -> dict[str, Any] | None:
    if one is None:
        return None

    def share(fraction: float) -> float:
        return round(100 * (100 * fraction - low) / (high - low), 2)

    told = band = None
    if one.interval is not None:
        ends = [share(end) for end in one.interval]
        told = " to ".join(map(percent_of, one.interval))
        band = {"left": ends[0], "width": round(ends[1] - ends[0], 2)}
    return {
        "mean": percent_of(one.mean),
        "key": one.mean,
        "interval": told,
        "counts": counts_text(one),
        "relation": CLASSES[one.relation],
        "tick": share(one.mean),
        "zero": share(0),
        "band": band,
        "dots": sorted(share(value) for value in one.values),
    }


def every_cell(found: Mapping[Setting, Sequence[Improvement]]) -> Iterable[dict[str, Any]]:
    """One table for each setting: methods at each ipc, by protocol."""
    for setting, improvements in found.items():
        protocols = sorted({one.protocol for one in improvements if one.protocol})
        heads = list(map(labels_head, [*protocols, None]))
        yield {
            **placed(setting),
            "title": f"Improvement over the best control, {setting_title(setting)}",
            "warning": warning(setting),
            "headers": ["ipc", "method", "storage", *heads],
            "rows": [
                _row(ipc, variant, {labels_head(one.protocol): one for one in same}, heads)
                for (ipc, variant), same in groupby(improvements, key=_place)
            ],
        }


def _place(one: Improvement) -> tuple[int, Variant]:
    return one.own.ipc, one.own.variant


def _row(
    ipc: int, variant: Variant, by_head: Mapping[str, Improvement], heads: Sequence[str]
) -> dict[str, Any]:
    storage = max(one.own.storage_bytes for one in by_head.values())
    cells: list[Cell] = [
        count_cell(ipc),
        text_cell(variant_label(variant).full),
        (size(storage), storage),
        *(_cell(by_head.get(head)) for head in heads),
    ]
    relations = [CLASSES[one.relation] if one else "" for one in map(by_head.get, heads)]
    return {"cells": cells, "relations": ["", "", "", *relations], "ipc": ipc, "runs": ()}


def _cell(one: Improvement | None) -> Cell:
    if one is None:
        return ("", None)
    if one.difference is None:
        return (f"{NOT_MEASURED}: {one.reason}", None)
    star = "*" if one.relation is None else ""
    joined = "over" if one.protocol else "under"
    told = f"{percent(one.difference, sign=True)}{star} {joined} {best_control_label(one)}"
    return (told, one.difference.mean)
