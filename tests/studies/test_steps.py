"""Steps in a series: found where the level changes, never where only noise is."""

from __future__ import annotations

import itertools
import random

import pytest

from ddbench.studies import steps
from ddbench.studies.steps import SHORTEST, Level, levels

NOISE = 0.01


def noisy(level: float, count: int, seed: int) -> list[float]:
    draws = random.Random(seed)
    return [level + draws.gauss(0, NOISE) for _ in range(count)]


@pytest.mark.parametrize("count", [1, 2, 3, 8, 40])
def test_a_constant_series_has_one_level(count: int) -> None:
    assert levels([0.8] * count, NOISE) == [Level(0, count, 0.8)]


def test_nothing_has_no_level() -> None:
    assert levels([], NOISE) == []


@pytest.mark.parametrize("seed", range(20))
def test_noise_has_no_step(seed: int) -> None:
    assert len(levels(noisy(0.8, 30, seed), NOISE)) == 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("change", [-0.1, 0.1])
def test_a_change_of_level_is_found_where_it_is(change: float, seed: int) -> None:
    found = levels([*noisy(0.8, 12, seed), *noisy(0.8 + change, 6, seed + 100)], NOISE)
    assert [(one.start, one.stop) for one in found] == [(0, 12), (12, 18)]
    assert [one.value for one in found] == pytest.approx([0.8, 0.8 + change], abs=NOISE)


def test_several_changes_are_found() -> None:
    series = [*noisy(0.8, 10, 1), *noisy(0.6, 10, 2), *noisy(0.7, 10, 3)]
    assert [one.start for one in levels(series, NOISE)] == [0, 10, 20]


def test_one_value_alone_is_no_level() -> None:
    series = noisy(0.8, 20, 4)
    series[9] = 0.5
    assert len(levels(series, NOISE)) == 1
    assert len(levels([*noisy(0.8, 10, 4), 0.5], NOISE)) == 1


def test_exact_repetitions_that_differ_less_than_their_noise_have_no_step() -> None:
    series = [0.8] * 10 + [0.8 - 2 * NOISE] * 3
    assert len(levels(series, NOISE)) == 1
    assert len(levels(series, NOISE / 100)) == 2


def test_of_a_long_series_the_latest_values_count() -> None:
    (level,) = levels([0.1] * 50 + [0.9] * steps.LONGEST, NOISE)
    assert (level.start, level.stop, level.value) == (50, 50 + steps.LONGEST, 0.9)


@pytest.mark.parametrize("seed", range(10))
def test_for_each_number_of_levels_the_fit_is_the_best_there_is(seed: int) -> None:
    n = 8
    draws = random.Random(seed)
    values = [draws.random() for _ in range(n)]
    deviation = steps._deviations(values)

    def cost(starts: list[int]) -> float:
        ends = [*starts[1:], n]
        return sum(deviation[a][b] for a, b in zip(starts, ends, strict=True))

    def lengths(starts: list[int]) -> list[int]:
        return [b - a for a, b in itertools.pairwise([*starts, n])]

    fits = steps._fits(deviation, n)
    assert [len(starts) for starts in fits] == [1, 2, 3, 4]
    for starts in fits:
        others = ([0, *chosen] for chosen in itertools.combinations(range(1, n), len(starts) - 1))
        possible = [
            o for o in others if all(b - a >= SHORTEST for a, b in itertools.pairwise([*o, n]))
        ]
        assert cost(starts) == pytest.approx(min(map(cost, possible)))
