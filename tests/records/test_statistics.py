"""Intervals that cover, differences that are paired, corrections and ranks known from elsewhere."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ddbench.records.statistics import (
    draws_nothing,
    half_width,
    holm,
    one_of_each,
    over_seeds_and_networks,
    p_value,
    paired_difference,
)

SAMPLE = (0.612, 0.598, 0.633, 0.601, 0.62)


def test_half_width_is_that_of_scipys_t_interval() -> None:
    low, high = stats.t.interval(0.95, 4, np.mean(SAMPLE), stats.sem(SAMPLE))
    assert half_width(SAMPLE) == pytest.approx((high - low) / 2, rel=1e-12)
    # By hand: t(0.975, 4) = 2.776445, standard deviation 0.0143073.
    assert half_width(SAMPLE) == pytest.approx(2.776445 * 0.0143073 / math.sqrt(5), rel=1e-4)


def test_p_value_of_differences_is_that_of_scipys_paired_test() -> None:
    other = (0.605, 0.6, 0.61, 0.59, 0.611)
    expected = stats.ttest_rel(SAMPLE, other).pvalue
    differences = [a - b for a, b in zip(SAMPLE, other, strict=True)]
    assert p_value(differences) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(
    ("values", "expected"), [((0.1,), None), ((0.1, 0.1), 0.0), ((0.0, 0.0, 0.0), 1.0)]
)
def test_p_value_where_nothing_varies(values, expected) -> None:
    assert p_value(values) == expected


def test_three_seeds_give_an_interval_over_seeds() -> None:
    scores = {0: (0.5, 0.7), 1: (0.6, 0.6), 2: (0.7, 0.9)}
    found = over_seeds_and_networks(scores)
    assert (found.over, found.n, found.values) == ("seeds", "3x2", (0.6, 0.6, 0.8))
    assert found.mean == pytest.approx(2 / 3)
    assert found.half_width == pytest.approx(half_width((0.6, 0.6, 0.8)))


def test_fewer_seeds_give_an_interval_over_networks_and_say_so() -> None:
    found = over_seeds_and_networks({0: (0.5, 0.7, 0.6), 1: (0.6, 0.6, 0.9)})
    assert (found.over, found.n) == ("networks", "2x3")
    assert found.values == pytest.approx((0.55, 0.65, 0.75))


def test_one_value_has_no_interval_and_is_told_from_nothing() -> None:
    found = over_seeds_and_networks({0: (0.5,)})
    assert (found.half_width, found.over, found.p, found.holds_zero) == (None, "", None, True)


def test_difference_pairs_networks_and_common_seeds() -> None:
    first = {0: (0.5, 0.7), 1: (0.6, 0.6), 2: (0.7, 0.9), 3: (0.1, 0.1)}
    second = {0: (0.4, 0.7), 1: (0.6, 0.4), 2: (0.6, 0.7), 9: (0.9, 0.9)}
    found = paired_difference(first, second)
    assert (found.over, found.n) == ("seeds", "3x2")
    assert found.values == pytest.approx((0.05, 0.1, 0.15))


def test_seeds_that_differ_are_compared_over_networks() -> None:
    found = paired_difference({0: (0.5, 0.7), 1: (0.7, 0.9)}, {5: (0.5, 0.6)})
    assert (found.over, found.n) == ("networks", "1x2")
    assert found.values == pytest.approx((0.1, 0.2))


@pytest.mark.parametrize(
    ("p_values", "corrected"),
    [  # as statsmodels 0.15.0 corrects them: multipletests(..., method="holm")
        ([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02]),
        ([0.001, 0.2, 0.2, 0.03, 0.0125, 0.9], [0.006, 0.6, 0.6, 0.12, 0.0625, 0.9]),
        ([0.7, 0.8], [1.0, 1.0]),
        ([], []),
    ],
)
def test_holm_corrects_as_published(p_values, corrected) -> None:
    assert holm(p_values) == pytest.approx(corrected)


REPEATS = 2000


def simulated(generator: np.random.Generator, mean: float, seeds: int, networks: np.ndarray):
    """Scores of one method: its mean, its luck in distilling, and the effects of the networks."""
    luck = generator.normal(0, 0.02, (seeds, 1))
    noise = generator.normal(0, 0.005, (seeds, len(networks)))
    return dict(enumerate((mean + luck + networks + noise).tolist()))


@pytest.mark.parametrize("seeds", [3, 5])
def test_interval_over_seeds_covers_the_mean_of_distilling_again(seeds) -> None:
    generator = np.random.default_rng(1)
    hits = 0
    for _ in range(REPEATS):
        networks = generator.normal(0, 0.01, 5)
        found = over_seeds_and_networks(simulated(generator, 0.6, seeds, networks))
        hits += abs(found.mean - 0.6 - networks.mean()) <= found.half_width
    assert hits / REPEATS == pytest.approx(0.95, abs=0.015)


def test_interval_over_networks_of_one_set_says_nothing_of_distilling_again() -> None:
    """The pitfall that the star at n marks: the spread over networks is not that over sets."""
    generator = np.random.default_rng(2)
    hits = 0
    for _ in range(REPEATS):
        found = over_seeds_and_networks(simulated(generator, 0.6, 1, np.zeros(5)))
        hits += abs(found.mean - 0.6) <= found.half_width
    assert hits / REPEATS < 0.5


def test_paired_interval_covers_the_difference_and_is_narrower_than_unpaired() -> None:
    generator = np.random.default_rng(3)
    hits, paired, unpaired = 0, [], []
    for _ in range(REPEATS):
        networks = generator.normal(0, 0.05, 5)  # the networks' effects cancel in differences
        first, second = (simulated(generator, mean, 1, networks) for mean in (0.62, 0.6))
        truth = np.mean(first[0]) - np.mean(second[0])
        found = paired_difference(first, second)
        assert found.mean == pytest.approx(truth)
        paired.append(found.half_width)
        unpaired.append(half_width(first[0]) + half_width(second[0]))
    assert np.mean(paired) < np.mean(unpaired) / 5
    for _ in range(REPEATS):
        networks = generator.normal(0, 0.05, 5)
        first, second = (simulated(generator, mean, 5, networks) for mean in (0.62, 0.6))
        found = paired_difference(first, second)
        hits += abs(found.mean - 0.02) <= found.half_width
    assert hits / REPEATS == pytest.approx(0.95, abs=0.015)


def test_holm_keeps_the_rate_of_any_false_difference() -> None:
    generator = np.random.default_rng(4)
    uncorrected = corrected = 0
    for _ in range(REPEATS // 2):
        samples = generator.normal(0, 0.02, (10, 5))
        p_values = [p_value(sample) for sample in samples.tolist()]
        uncorrected += min(p_values) < 0.05
        corrected += min(holm(p_values)) < 0.05
    assert uncorrected / (REPEATS // 2) > 0.3
    assert corrected / (REPEATS // 2) < 0.07


APART = (
    {0: (0.70, 0.72), 1: (0.71, 0.75), 2: (0.69, 0.70), 3: (0.74, 0.73)},
    {3: (0.64, 0.66), 7: (0.61, 0.60), 8: (0.69, 0.70)},
)


def test_seeds_of_which_fewer_than_three_are_shared_are_two_independent_samples() -> None:
    """Welch's test on the means over the networks, as scipy has it."""
    first, second = ([np.mean(values) for values in own.values()] for own in APART)
    expected = stats.ttest_ind(first, second, equal_var=False)
    found = paired_difference(*APART)
    assert (found.over, found.seeds, found.networks, found.values) == ("seeds", 3, 2, ())
    assert found.mean == pytest.approx(np.mean(first) - np.mean(second))
    assert found.p == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert found.half_width == pytest.approx((interval.high - interval.low) / 2)


def test_a_reversed_difference_has_the_same_p_and_the_other_sign() -> None:
    for pair in (APART, (DRAWN, FIXED)):
        found, other = paired_difference(*pair), paired_difference(*reversed(pair))
        assert found.reversed.mean == pytest.approx(other.mean)
        assert found.reversed.p == pytest.approx(other.p)
        assert found.reversed.half_width == pytest.approx(other.half_width)


FIXED = {seed: (0.90, 0.91, 0.92) for seed in range(3)}
FIXED_TOO = {seed: (0.90, 0.90, 0.90) for seed in range(3)}
DRAWN = {0: (0.80, 0.81, 0.82), 1: (0.82, 0.83, 0.84), 2: (0.84, 0.85, 0.86)}


def test_seeds_that_change_nothing_are_one() -> None:
    assert draws_nothing(FIXED)
    assert not draws_nothing(DRAWN)
    assert not draws_nothing({0: FIXED[0]})
    assert one_of_each(FIXED) == {0: FIXED[0]}
    assert one_of_each(DRAWN) == DRAWN


def test_two_methods_that_draw_nothing_differ_over_the_networks_of_one_seed() -> None:
    """By hand: 0, 1 and 2 points have mean 1 and deviation 1; t = 1.7320 with 2 degrees."""
    found = paired_difference(FIXED, FIXED_TOO)
    assert (found.over, found.n) == ("networks", "1x3")
    assert found.values == pytest.approx((0.0, 0.01, 0.02))
    assert found.half_width == pytest.approx(4.302653 * 0.01 / math.sqrt(3), rel=1e-5)
    assert found.p == pytest.approx(0.225403, rel=1e-5)
    assert found.holds_zero


@pytest.mark.parametrize("known", [{0, 1, 2}, {0, 1}, {7, 8}])
def test_beside_a_method_that_draws_nothing_the_seeds_of_the_other_are_the_sample(known) -> None:
    """By hand: 10, 8 and 6 points, whichever seeds the fixed scores were found at."""
    fixed = {seed: FIXED[0] for seed in known}
    found = paired_difference(fixed, DRAWN)
    assert (found.over, found.n) == ("seeds", "3x3")
    assert found.values == pytest.approx((0.10, 0.08, 0.06))
    assert found.half_width == pytest.approx(4.302653 * 0.02 / math.sqrt(3), rel=1e-5)
    assert paired_difference(DRAWN, fixed).mean == pytest.approx(-0.08)


def test_one_seed_beside_a_method_that_draws_nothing_is_over_networks() -> None:
    found = paired_difference(FIXED, {5: (0.8, 0.8, 0.8)})
    assert (found.over, found.n) == ("networks", "1x3")
    assert found.mean == pytest.approx(0.11)
