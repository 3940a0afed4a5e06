"""How well one list of numbers ranks what another measures: rho, tau, regret, bootstrap."""

from __future__ import annotations

import math
import warnings

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

CONFIDENCE = 0.95
LEAST_DEFINED = 0.9
"""An interval is given if at least this share of the resamples has a rank correlation."""


def spearman(truth: Values, proxy: Values) -> float | None:
    """Spearman's rho of two lists (n,), ties by mean rank; None where one of them is constant."""
    from scipy import stats  # takes half a second to import

    return _defined(stats.spearmanr, truth, proxy)


def kendall(truth: Values, proxy: Values) -> float | None:
    """Kendall's tau-b of two lists (n,); None where one of them is constant."""
    from scipy import stats

    return _defined(stats.kendalltau, truth, proxy)


def top_regret(truth: Values, proxy: Values, top: int) -> float:
    """The best truth of all, less the best truth among the `top` that the proxy ranks highest.

    If equal proxies straddle the last place, the worst choice among them counts: a tie carries no
    information.
    """
    order = np.lexsort((truth, -proxy))
    return float(truth.max() - truth[order[:top]].max())


def resamples(n: int, count: int, seed: int) -> NDArray[np.int64]:
    """Positions (count, n) drawn with replacement, the same for the same arguments."""
    return np.random.default_rng(seed).integers(0, n, (count, n))


def bootstrap_rho(truth: Values, proxy: Values, drawn: NDArray[np.int64]) -> Values:
    """Spearman's rho (count,) of each resample of the pairs; NaN where it is undefined.

    Args:
        truth: (n,).
        proxy: (n,).
        drawn: positions (count, n).
    """
    from scipy import stats

    a, b = (stats.rankdata(one[drawn], axis=1) for one in (truth, proxy))
    a, b = (ranks - ranks.mean(1, keepdims=True) for ranks in (a, b))
    length = np.sqrt((a * a).sum(1) * (b * b).sum(1))
    with np.errstate(invalid="ignore"):
        rho: Values = np.where(length > 0, (a * b).sum(1) / length, np.nan)
    return rho


def percentile_interval(values: Values) -> tuple[float, float] | None:
    """The 95% percentile interval of bootstrapped values; None where too many are undefined."""
    defined = values[np.isfinite(values)]
    if len(defined) < LEAST_DEFINED * len(values):
        return None
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(defined, [tail, 1 - tail])
    return float(low), float(high)


def _defined(statistic: object, truth: Values, proxy: Values) -> float | None:
    assert callable(statistic)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # None says that a constant list has no correlation
        value = float(statistic(truth, proxy).statistic)
    return value if math.isfinite(value) else None
