"""Methods over many cells: mean ranks, and performance profiles (how often each is near the best).

A cell is one ipc of one board. Cells are aggregated if they differ only in dataset and ipc. E. D.
Dolan, J. J. Moré, Mathematical Programming 91 (2002), define profiles on ratios of times; these use
differences of accuracies, since ratios of percentages are not useful.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..records.facts import ProtocolFacts
from ..records.statistics import CONFIDENCE, ROUNDING
from .entries import Values, Variant
from .standings import Standings

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

POINTS = (0, 1, 2, 5, 10)
"""Distances from the best accuracy in a cell, in percentage points."""
FEWEST_CELLS = 3
"""With fewer, an interval over cells is meaningless."""
RESAMPLES = 1000

Means = Mapping[Variant, float]


@dataclass(frozen=True, order=True)
class Conditions:
    """What all cells of an aggregate have in common."""

    model: str
    budget: str
    budget_changes: Values
    protocol: ProtocolFacts
    labels: str


@dataclass(frozen=True)
class Aggregate:
    """One method over cells.

    Args:
        variant: the method as it was run, whatever its recipe gives at each ipc.
        mean_rank: one plus the sum over the other methods of the fraction of shared cells in which
            the other's mean accuracy is larger. A tie counts half, as does a method that shares no
            cell. If all methods have all cells, it is the mean over cells of the rank by mean
            accuracy.
        interval: 95% interval of the mean rank, by the percentile bootstrap over cells; a fraction
            with no shared cell drawn keeps its value. None with fewer than three cells.
        cells: the number of cells in which it is ranked.
        within: for each of `POINTS`, the fraction of its cells in which its mean accuracy is at
            most that many points below the best.
    """

    variant: Variant
    mean_rank: float
    interval: tuple[float, float] | None
    cells: int
    within: tuple[float, ...]


def aggregates(boards: Iterable[Standings]) -> dict[Conditions, list[Aggregate]]:
    """Ranked methods for all conditions with two or more cells, best first."""
    found: dict[Conditions, list[Means]] = {}
    for one in boards:
        setting, board = one.board.setting, one.board
        conditions = Conditions(
            setting.model, setting.budget, setting.budget_changes, board.protocol, board.labels
        )
        by_ipc: dict[int, dict[Variant, float]] = {}
        for row in one.rows:
            if row.place is not None and row.accuracy is not None:
                by_ipc.setdefault(row.ipc, {})[row.variant.across_ipc] = row.accuracy.mean
        found.setdefault(conditions, []).extend(own for own in by_ipc.values() if len(own) > 1)
    return {
        conditions: aggregated(cells)
        for conditions, cells in sorted(found.items())
        if len(cells) > 1
    }


def aggregated(cells: Sequence[Means]) -> list[Aggregate]:
    """The methods of some cells, sorted by mean rank.

    Args:
        cells: mean accuracies (fractions) by method, at least two in each.
    """
    import numpy as np

    variants = sorted({variant for means in cells for variant in means})
    means = np.array([[own.get(variant, np.nan) for variant in variants] for own in cells])
    drawn = np.random.default_rng(0).integers(len(cells), size=(RESAMPLES, len(cells)))
    # How often each cell counts: first each once, then in each resample.
    counts = np.ones((1 + RESAMPLES, len(cells)), dtype=np.int64)
    counts[1:] = [np.bincount(own, minlength=len(cells)) for own in drawn]
    best = np.nanmax(means, axis=1)
    made = []
    for place, variant in enumerate(variants):
        rank, *resampled = _mean_ranks(place, means, counts).tolist()
        behind = [float(b) for b in best - means[:, place] if not np.isnan(b)]
        near = [sum(b <= points / 100 + ROUNDING for b in behind) for points in POINTS]
        within = tuple(count / len(behind) for count in near)
        interval = percentiles(resampled) if len(behind) >= FEWEST_CELLS else None
        made.append(Aggregate(variant, rank, interval, len(behind), within))
    return sorted(made, key=lambda one: (one.mean_rank, one.variant))


def _mean_ranks(
    place: int, means: NDArray[np.float64], counts: NDArray[np.int64]
) -> NDArray[np.float64]:
    """The mean rank of one method (a column of `means`) by each row of `counts`.

    Sums are over whole numbers, so that they are the same on every machine.
    """
    import numpy as np

    ahead = np.delete(means, place, axis=1) - means[:, [place]]
    both = ~np.isnan(ahead)  # NaN where one of the two is missing
    halves = np.where(both, 1 + (ahead > ROUNDING) - (ahead < -ROUNDING), 0)
    shared, won = counts @ both.astype(np.int64), counts @ halves
    share = won / np.maximum(2 * shared, 1)
    share[0] = np.where(shared[0] > 0, share[0], 0.5)
    share = np.where(shared > 0, share, share[0])
    ranks: NDArray[np.float64] = 1 + share.sum(axis=1)
    return ranks


def percentiles(values: Sequence[float]) -> tuple[float, float]:
    """The bounds of the central 95% of the values."""
    ordered, tail = sorted(values), round(len(values) * (1 - CONFIDENCE) / 2)
    return ordered[tail - 1], ordered[-tail]
