"""Step detection in a series of measurements: changes of level, distinguished from noise.

A piecewise constant function is fitted to the series. Each level is the median of its segment, and
for a given number of levels the fit minimises the sum of absolute deviations. The number of levels
minimises log(sigma) + 4 log(n) / n * levels, where sigma is the mean absolute deviation: the
criterion of airspeed velocity (asv/step_detect.py). Here sigma also includes the known noise of a
value, since repetitions on one machine may agree to the last bit without being precise.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

SHORTEST = 2
"""Fewest values of a segment: a single one may be due to chance."""
MOST_LEVELS = 10
LONGEST = 200
"""Most values that are used, the latest ones."""


@dataclass(frozen=True)
class Level:
    """A segment of a series with a constant level.

    Args:
        start: index of its first value.
        stop: index of its last value plus one.
        value: median of its values.
    """

    start: int
    stop: int
    value: float


def levels(values: Sequence[float], noise: float) -> list[Level]:
    """The segments of a series, in order; a single one if it has no step.

    Args:
        values: values in order of time; only the latest `LONGEST` are used.
        noise: standard error of one value, in the same unit, above 0.
    """
    first = max(0, len(values) - LONGEST)
    seen = list(values)[first:]
    n = len(seen)
    if not n:
        return []
    deviation = _deviations(seen)
    best, chosen = math.inf, [0]
    for count, starts in enumerate(_fits(deviation, n), 1):
        ends = [*starts[1:], n]
        total = sum(deviation[a][b] for a, b in zip(starts, ends, strict=True))
        score = math.log(noise + total / n) + 4 * math.log(n) / n * count
        if score < best:
            best, chosen = score, starts
    ends = [*chosen[1:], n]
    return [
        Level(first + a, first + b, statistics.median(seen[a:b]))
        for a, b in zip(chosen, ends, strict=True)
    ]


def _deviations(values: Sequence[float]) -> list[dict[int, float]]:
    """The sum of absolute deviations from the median of every segment, by start and end."""
    n = len(values)
    return [
        {
            end: _absolute_deviation(values[start:end])
            for end in range(start + 1, n + 1)
            if end - start >= SHORTEST or n < SHORTEST
        }
        for start in range(n)
    ]


def _absolute_deviation(values: Sequence[float]) -> float:
    middle = statistics.median(values)
    return math.fsum(abs(value - middle) for value in values)


def _fits(deviation: Sequence[dict[int, float]], n: int) -> list[list[int]]:
    """The starts of the segments of the best fit with one level, with two, and so on."""
    least = dict(deviation[0])  # least sum of deviations of the values up to each end
    starts = {end: [0] for end in least}
    fits = [starts[n]]
    for _ in range(MOST_LEVELS - 1):
        longer: dict[int, float] = {}
        longer_starts: dict[int, list[int]] = {}
        for middle, before in least.items():
            for end, cost in deviation[middle].items() if middle < n else ():
                if before + cost < longer.get(end, math.inf):
                    longer[end] = before + cost
                    longer_starts[end] = [*starts[middle], middle]
        if n not in longer:
            break
        least, starts = longer, longer_starts
        fits.append(starts[n])
    return fits
