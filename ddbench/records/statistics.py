"""Means, intervals, paired differences, and correction for multiple comparisons."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

CONFIDENCE = 0.95
FEWEST_SEEDS = 3
"""Intervals are over distillation seeds if there are at least this many."""
ROUNDING = 1e-9
"""Differences of fractions below this are rounding errors."""


@cache
def _quantile(freedom: float) -> float:
    """The two-sided 95% quantile of Student's t."""
    from scipy import special  # half a second less than scipy.stats

    return float(special.stdtrit(freedom, (1 + CONFIDENCE) / 2))


def _two_sided(mean: float, standard_error: float, freedom: float) -> float:
    """The p value of a two-sided t test; without any spread it is 1 for a mean of 0, else 0."""
    if standard_error < ROUNDING:
        return 1.0 if abs(mean) < ROUNDING else 0.0
    from scipy import special

    return float(2 * special.stdtr(freedom, -abs(mean / standard_error)))


def half_width(values: Sequence[float]) -> float | None:
    """Half the width of the t interval of a mean at 95%; None for fewer than two values."""
    if len(values) < 2:
        return None
    return _quantile(len(values) - 1) * _spread(values) / math.sqrt(len(values))


def _spread(values: Sequence[float]) -> float:
    """Sample standard deviation; thirty times faster than statistics.stdev's exact fractions."""
    mean = statistics.fmean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


def p_value(values: Sequence[float]) -> float | None:
    """Two-sided p value of the one-sample t test that the mean is 0; None below two values.

    For paired differences this is the paired t test. If all values are equal, it is 1 for a mean
    of 0, else 0.
    """
    if len(values) < 2:
        return None
    mean, count = statistics.fmean(values), len(values)
    return _two_sided(mean, _spread(values) / math.sqrt(count), count - 1)


@dataclass(frozen=True)
class Estimate:
    """A mean over distillation seeds and evaluation networks, with its interval.

    Args:
        mean: mean over all of them.
        half_width: half-width of the 95% t interval; None if there is only one value.
        over: what the interval is over: "seeds", "networks" (fewer than three seeds), or "".
        seeds: number of distillation seeds.
        networks: number of evaluation networks per seed.
        values: the sample of the interval: the mean of each seed, or of each network; empty for
            the difference of two independent samples.
        freedom: degrees of freedom of the difference of two independent samples; else None.
    """

    mean: float
    half_width: float | None
    over: str
    seeds: int
    networks: int
    values: tuple[float, ...]
    freedom: float | None = None

    @property
    def n(self) -> str:
        """Seeds and networks, such as "3x5"."""
        return f"{self.seeds}x{self.networks}"

    @property
    def holds_zero(self) -> bool:
        """Whether the interval contains 0; True if there is no interval."""
        return self.half_width is None or abs(self.mean) <= self.half_width + ROUNDING

    @property
    def reversed(self) -> Estimate:
        """For a difference, the second minus the first."""
        return replace(self, mean=-self.mean, values=tuple(-value for value in self.values))

    @property
    def p(self) -> float | None:
        """As `p_value`; for two independent samples, the p value of Welch's test."""
        if self.freedom is None:
            return p_value(self.values)
        width = self.half_width or 0.0
        return _two_sided(self.mean, width / _quantile(self.freedom), self.freedom)


def over_seeds_and_networks(scores: Mapping[int, Sequence[float]]) -> Estimate:
    """Estimate a mean; seeds and networks are never mixed into one sample.

    With at least three seeds the interval is over the seeds' means, and applies to distilling
    again, given these evaluation networks. Otherwise it is over the networks' means across seeds,
    and applies to these distilled sets only.

    Args:
        scores: by distillation seed, one value per evaluation network, in the networks' order.
    """
    networks = min(len(values) for values in scores.values())
    rows = [list(values[:networks]) for _, values in sorted(scores.items())]
    if len(rows) >= FEWEST_SEEDS:
        over, values = "seeds", tuple(statistics.fmean(row) for row in rows)
    else:
        over = "networks"
        values = tuple(statistics.fmean(column) for column in zip(*rows, strict=True))
    width = half_width(values)
    mean = statistics.fmean(values)
    return Estimate(mean, width, over if width is not None else "", len(rows), networks, values)


def difference_of_means(first: Sequence[float], second: Sequence[float]) -> Estimate:
    """The mean of one sample minus that of an independent one, with Welch's 95% t interval.

    B. L. Welch, Biometrika 34 (1947); degrees of freedom by Satterthwaite.

    Args:
        first: at least two values.
        second: at least two values.
    """
    parts = [_spread(values) ** 2 / len(values) for values in (first, second)]
    variance = math.fsum(parts)
    own = (part**2 / (len(v) - 1) for part, v in zip(parts, (first, second), strict=True))
    below = math.fsum(own)
    freedom = variance**2 / below if below > 0 else math.inf
    width = _quantile(freedom) * math.sqrt(variance) if variance > 0 else 0.0
    mean = statistics.fmean(first) - statistics.fmean(second)
    return Estimate(mean, width, "networks", 1, min(len(first), len(second)), (), freedom)


def draws_nothing(scores: Mapping[int, Sequence[float]]) -> bool:
    """Whether several seeds have the same scores on every network, as for a method without draws.

    Args:
        scores: by distillation seed, one per evaluation network.
    """
    return len(scores) > 1 and len({tuple(values) for values in scores.values()}) == 1


def one_of_each(scores: Mapping[int, Sequence[float]]) -> Mapping[int, Sequence[float]]:
    """The scores of independent seeds: if seeds change nothing, only the first is kept."""
    return dict(list(scores.items())[:1]) if draws_nothing(scores) else scores


def paired_difference(
    first: Mapping[int, Sequence[float]], second: Mapping[int, Sequence[float]]
) -> Estimate:
    """The first minus the second, paired by evaluation network.

    Seeds in common are paired, too. If both sides have at least three seeds, but fewer in common,
    the seeds are two independent samples (`difference_of_means`). If none are in common and one
    side has fewer than three, each side is averaged over its seeds and compared network by network.
    If the seeds of one side change nothing, the seeds of the other are the sample, each paired with
    the same scores; if those of both change nothing, the networks of one seed are the sample.

    Args:
        first: scores by distillation seed, one per evaluation network.
        second: as `first`, with the same evaluation networks.
    """
    if draws_nothing(first) and draws_nothing(second):
        first, second = {0: _of_any(first)}, {0: _of_any(second)}
    elif draws_nothing(first):
        first = dict.fromkeys(second, _of_any(first))
    elif draws_nothing(second):
        second = dict.fromkeys(first, _of_any(second))
    common = first.keys() & second.keys()
    if len(common) < FEWEST_SEEDS <= min(len(first), len(second)):
        networks = min(len(values) for own in (first, second) for values in own.values())
        means = [[statistics.fmean(v[:networks]) for v in own.values()] for own in (first, second)]
        seeds = min(map(len, means))
        return replace(difference_of_means(*means), over="seeds", seeds=seeds, networks=networks)
    if common:
        return over_seeds_and_networks(
            {seed: _less(first[seed], second[seed]) for seed in sorted(common)}
        )
    return over_seeds_and_networks({0: _less(_over_seeds(first), _over_seeds(second))})


def percentage(mean: float, width: float | None, sign: bool = False) -> str:
    """Fractions as percentages: a mean and half its interval's width, such as "61.2 ± 0.8"."""
    rounded = round(100 * mean, 1) + 0.0  # never -0.0
    text = f"{rounded:+.1f}" if sign else f"{rounded:.1f}"
    return text if width is None else f"{text} ± {100 * width:.1f}"


def _less(first: Sequence[float], second: Sequence[float]) -> list[float]:
    return [a - b for a, b in zip(first, second, strict=False)]


def _of_any(scores: Mapping[int, Sequence[float]]) -> Sequence[float]:
    """The scores of any seed, if all are the same."""
    return next(iter(scores.values()))


def _over_seeds(scores: Mapping[int, Sequence[float]]) -> list[float]:
    return [statistics.fmean(column) for column in zip(*scores.values(), strict=False)]


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (Scandinavian Journal of Statistics 6, 1979), in input order."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    corrected, largest = [0.0] * len(p_values), 0.0
    for place, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - place) * p_values[index]))
        corrected[index] = largest
    return corrected
