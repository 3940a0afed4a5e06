"""Steps in a series of measurements: where its level changed, told apart from noise.

The series is fitted by levels that are constant over stretches, each the median of its stretch, so
that the sum of absolute deviations is least for their number. How many there are is the least of
log(sigma) + 4 log(n) / n * levels, where sigma is the mean absolute deviation: the criterion of
airspeed velocity (asv/step_detect.py). Here sigma also holds the noise that is known of each value,
since repetitions on one machine may agree to the last bit and still mean nothing.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

SHORTEST = 2
"""Values of a stretch: one alone may be a chance."""
MOST_LEVELS = 10
LONGEST = 200
"""Values that are looked at, the latest."""


@dataclass(frozen=True)
class Level:
    """A stretch over which a series stays at its level.

    Args:
        start: the index of its first value.
        stop: one more than the index of its last value.
        value: the median.
    """

    start: int
    stop: int
    value: float


def levels(values: Sequence[float], noise: float) -> list[Level]:
    """The stretches of a series, in order; one where it has no step.

    Args:
        values: in the order of time; of a long series the latest.
        noise: standard error of one value, in its unit, above 0.
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
    """The sum of absolute deviations from the median of every stretch, by start and end."""
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
    """The starts of the stretches of the best fit by one level, by two, and so on."""
    least = dict(deviation[0])  # of the values up to an end
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
