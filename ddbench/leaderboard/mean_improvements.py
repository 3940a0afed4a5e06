"""Mean improvements over the best control: one line per method, over many cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..records.facts import ProtocolFacts
from .aggregates import FEWEST_CELLS, RESAMPLES, percentiles
from .best_controls import Improvement
from .entries import Setting, Values, Variant

WHOLE = 1e9
"""Improvements are summed as whole multiples of 1/WHOLE, so that sums are equal everywhere."""


@dataclass(frozen=True, order=True)
class ModelAndBudget:
    """What all cells have in common whose improvements are averaged."""

    model: str
    budget: str
    budget_changes: Values


@dataclass(frozen=True)
class MeanImprovement:
    """One method over the cells in which there is a verdict.

    Args:
        variant: the method as it was run, whatever its recipe gives at each ipc.
        protocol: the protocol under which both were scored; None for the best of each over all
            protocols.
        values: improvements over the best control (fractions), one per cell.
        mean: their mean.
        interval: 95% interval of the mean, by the percentile bootstrap over cells; None with
            fewer than three cells.
        above: the number of cells in which the improvement's interval is above 0.
        below: the number of cells in which it is below 0.
    """

    variant: Variant
    protocol: ProtocolFacts | None
    values: tuple[float, ...]
    mean: float
    interval: tuple[float, float] | None
    above: int
    below: int

    @property
    def alike(self) -> int:
        """Cells in which method and control do not differ significantly."""
        return len(self.values) - self.above - self.below

    @property
    def relation(self) -> int | None:
        """1 or -1 if the interval over cells is above or below 0, else 0; None without one."""
        if self.interval is None:
            return None
        low, high = self.interval
        return 1 if low > 0 else -1 if high < 0 else 0


def mean_improvements(
    found: Mapping[Setting, Sequence[Improvement]],
) -> dict[ModelAndBudget, list[MeanImprovement]]:
    """Methods by model and budget, sorted by protocol, the one over all protocols last."""
    Place = tuple[bool, ProtocolFacts | None, Variant]
    taken: dict[ModelAndBudget, dict[Place, list[Improvement]]] = {}
    for setting, own in found.items():
        alike = ModelAndBudget(setting.model, setting.budget, setting.budget_changes)
        for one in own:
            if one.relation is not None:
                place = (one.protocol is None, one.protocol, one.own.variant.across_ipc)
                taken.setdefault(alike, {}).setdefault(place, []).append(one)
    return {
        alike: [
            mean_improvement(variant, protocol, same)
            for (_, protocol, variant), same in sorted(places.items(), key=lambda own: own[0])
        ]
        for alike, places in sorted(taken.items())
    }


def mean_improvement(
    variant: Variant, protocol: ProtocolFacts | None, cells: Sequence[Improvement]
) -> MeanImprovement:
    """One method over cells that each have a difference."""
    import numpy as np

    values = tuple(one.difference.mean for one in cells if one.difference is not None)
    whole = np.array([round(WHOLE * value) for value in values], dtype=np.int64)
    interval = None
    if len(values) >= FEWEST_CELLS:
        drawn = np.random.default_rng(0).integers(len(values), size=(RESAMPLES, len(values)))
        low, high = percentiles(whole[drawn].sum(axis=1).tolist())
        interval = (low / WHOLE / len(values), high / WHOLE / len(values))
    relations = [one.relation for one in cells]
    return MeanImprovement(
        variant,
        protocol,
        values,
        int(whole.sum()) / WHOLE / len(values),
        interval,
        above=relations.count(1),
        below=relations.count(-1),
    )


@dataclass(frozen=True)
class Grid:
    """Mean improvements as methods down the side, the best first, and protocols across.

    Args:
        variants: by the mean improvement over all protocols, those with an interval first.
        protocols: sorted; None, for all of them, last.
        places: the mean improvements, by method and protocol.
    """

    variants: tuple[Variant, ...]
    protocols: tuple[ProtocolFacts | None, ...]
    places: Mapping[tuple[Variant, ProtocolFacts | None], MeanImprovement]

    @classmethod
    def of(cls, means: Sequence[MeanImprovement]) -> Grid:
        """The grid of one model and budget, whose means are sorted by protocol."""
        places = {(one.variant, one.protocol): one for one in means}
        variants = {one.variant for one in means}

        def order(variant: Variant) -> tuple[object, ...]:
            over_all = places.get((variant, None))
            if over_all is None:
                return (True, True, 0.0, variant)
            return (False, over_all.interval is None, -over_all.mean, variant)

        protocols = dict.fromkeys(one.protocol for one in means)
        return cls(tuple(sorted(variants, key=order)), tuple(protocols), places)
