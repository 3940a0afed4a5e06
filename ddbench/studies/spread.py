"""The spread of repeated cells, by what was varied between repetitions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from statistics import fmean, variance
from typing import TYPE_CHECKING, Any

from .cells import Cell
from .study import Study

if TYPE_CHECKING:
    import pandas as pd

NOTE = (
    "Standard deviations, in points, of a cell's mean over its evaluation networks: over the "
    "values of one key while the others are fixed, pooled over those."
)


def spread_rows(study: Study, cells: Sequence[Cell]) -> pd.DataFrame:
    """One row per arm and measured quantity, as text; empty for a study without spreads.

    Columns: task, arm, quantity, the mean in %, and the standard deviation for each spread.
    """
    import pandas as pd

    arms: dict[tuple[str, str], list[Cell]] = {}
    for cell in cells if study.spreads else ():
        name = cell.series(study, without=tuple(study.spreads))
        arms.setdefault((cell.panel, name), []).append(cell)
    made = []
    for (panel, name), group in arms.items():
        for quantity, values in _quantities(group).items():
            row: dict[str, Any] = {"task": panel, "arm": name, "quantity": quantity}
            means = [(cell, fmean(found)) for cell in group if (found := values(cell))]
            if not means:
                continue
            row["mean"] = f"{100 * fmean(value for _, value in means):.1f}"
            for key, label in study.spreads.items():
                deviation = pooled_deviation(_repeats(means, key, study))
                row[f"over {label}"] = "" if deviation is None else f"{100 * deviation:.1f}"
            made.append(row)
    return pd.DataFrame(made)


def pooled_deviation(groups: Iterable[Sequence[float]]) -> float | None:
    """The square root of the groups' mean variance; None if no group has two values."""
    variances = [variance(values) for values in groups if len(values) > 1]
    return math.sqrt(fmean(variances)) if variances else None


def _quantities(cells: Sequence[Cell]) -> dict[str, Callable[[Cell], list[float]]]:
    """The quantities measured under each protocol, by name."""
    protocols = dict.fromkeys(label for cell in cells for label in cell.protocols)
    found: dict[str, Callable[[Cell], list[float]]] = {}
    for protocol in protocols:
        found[protocol] = partial(Cell.values, protocol=protocol)
        found[f"{protocol} - control"] = partial(Cell.differences, protocol=protocol)
    return found


def _repeats(means: Iterable[tuple[Cell, float]], key: str, study: Study) -> list[list[float]]:
    """Groups of values of cells that differ only in the given one of the spreads' keys."""
    groups: dict[tuple[str, ...], list[float]] = {}
    for cell, value in means:
        fixed = tuple(cell.words.get(other, "") for other in study.spreads if other != key)
        groups.setdefault(fixed, []).append(value)
    return list(groups.values())
