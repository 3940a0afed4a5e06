"""Means and intervals."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

CONFIDENCE = 0.95


def half_width(values: Sequence[float]) -> float | None:
    """Half the width of the t interval of a mean at 95%; None for fewer than two values."""
    if len(values) < 2:
        return None
    from scipy import stats

    quantile = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1))
    return quantile * statistics.stdev(values) / math.sqrt(len(values))
