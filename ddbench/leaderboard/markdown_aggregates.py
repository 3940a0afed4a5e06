"""The page of methods over many cells: mean ranks and performance profiles."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .aggregates import FEWEST_CELLS, POINTS, Aggregate, Conditions
from .labels import conditions_title, variant_label, warning
from .markdown_text import Labels, as_page, safe, table, wrapped

AGGREGATES_LEGEND = (
    "A cell is one ipc of one board; the cells of a table differ only in dataset and ipc, and only "
    "ranked methods (three seeds or more) count. The mean rank is one plus the sum, over the other "
    "methods, of the share of common cells in which the other has the larger mean accuracy; if all "
    "methods have all cells, it is the mean of the ranks by accuracy. An equal accuracy counts "
    "half, and so does a method without a common cell. Its interval is by resampling cells with "
    f"replacement (95%, from {FEWEST_CELLS} cells on): it shows how much depends on these cells, "
    "and says nothing about other datasets. The last columns are the method's profile: the share "
    "of its cells in which it is the best, or at most so many points of accuracy below the best."
)


def mean_rank_text(one: Aggregate) -> str:
    """The mean rank with its interval, such as "2.4 (1.8 to 3.1)"."""
    if one.interval is None:
        return f"{one.mean_rank:.1f}"
    low, high = one.interval
    return f"{one.mean_rank:.1f} ({low:.1f} to {high:.1f})"


def within_text(points: int) -> str:
    """The heading of a column of the profile."""
    return f"{points} pt" if points else "best"


def aggregates_page(found: Mapping[Conditions, Sequence[Aggregate]]) -> str:
    """One table for each set of conditions."""
    parts = ["# Over datasets and ipc", wrapped(AGGREGATES_LEGEND)]
    if not found:
        parts.append("No two cells have ranked methods under the same conditions yet.")
    for conditions, methods in found.items():
        labels = Labels()
        rows = [
            [
                labels(variant_label(one.variant)),
                mean_rank_text(one),
                *(f"{100 * share:.0f}%" for share in one.within),
                str(one.cells),
            ]
            for one in methods
        ]
        heads = ["method", "mean rank", *map(within_text, POINTS), "cells"]
        parts.append(f"## {safe(conditions_title(conditions))}")
        parts += [*filter(None, [warning(conditions)]), table(rows, heads), *labels.legend()]
    return as_page(parts)
