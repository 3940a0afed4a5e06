"""Rank statistics against naive loops."""

from __future__ import annotations

import importlib
import itertools
import math

import numpy as np
import pytest
from scipy import stats

from ddbench.scoring.registry import EVALUATORS

ranking = importlib.import_module(f"{EVALUATORS.package}._ranking")
ROUNDING = 4 * 23 * np.finfo(float).eps  # of numbers in -1..1 that sum 23 products over roots
GENERATOR = np.random.default_rng(3)
TRUTH = GENERATOR.normal(size=23)
PROXY = np.round(TRUTH + GENERATOR.normal(size=23), 0)  # with ties


def naive_ranks(values):
    """1 + how many are smaller + half of the others that are equal."""
    return [1 + sum(b < a for b in values) + (sum(b == a for b in values) - 1) / 2 for a in values]


def naive_rho(a, b):
    a, b = naive_ranks(a), naive_ranks(b)
    ma, mb = sum(a) / len(a), sum(b) / len(b)
    product = sum((x - ma) * (y - mb) for x, y in zip(a, b, strict=True))
    squares = sum((x - ma) ** 2 for x in a) * sum((y - mb) ** 2 for y in b)
    return product / math.sqrt(squares) if squares else math.nan


def naive_tau(a, b):
    pairs = list(itertools.combinations(range(len(a)), 2))
    sign = [(np.sign(a[i] - a[j]), np.sign(b[i] - b[j])) for i, j in pairs]
    agreement = sum(x * y for x, y in sign)
    return agreement / math.sqrt(sum(x != 0 for x, _ in sign) * sum(y != 0 for _, y in sign))


def test_rho_and_tau_are_those_of_naive_loops_with_ties() -> None:
    assert ranking.spearman(TRUTH, PROXY) == pytest.approx(naive_rho(TRUTH, PROXY), abs=ROUNDING)
    assert ranking.kendall(TRUTH, PROXY) == pytest.approx(naive_tau(TRUTH, PROXY), abs=ROUNDING)


def test_constant_list_has_no_rank_correlation() -> None:
    constant = np.full(23, 0.1)
    assert ranking.spearman(TRUTH, constant) is None
    assert ranking.kendall(TRUTH, constant) is None
    drawn = ranking.resamples(23, 100, 0)
    rhos = ranking.bootstrap_rho(TRUTH, constant, drawn)
    assert np.isnan(rhos).all()
    assert ranking.percentile_interval(rhos) is None


def test_bootstrap_is_rho_of_each_resample_of_the_pairs() -> None:
    drawn = ranking.resamples(23, 50, 0)
    assert drawn.shape == (50, 23)
    assert set(drawn.flatten()) == set(range(23))
    rhos = ranking.bootstrap_rho(TRUTH, PROXY, drawn)
    for row, rho in zip(drawn, rhos, strict=True):
        assert rho == pytest.approx(naive_rho(TRUTH[row], PROXY[row]), abs=ROUNDING)


def test_interval_holds_the_middle_of_the_bootstrapped_values() -> None:
    low, high = ranking.percentile_interval(np.append(np.arange(1001.0), np.nan))
    assert (low, high) == pytest.approx((25.0, 975.0))


def test_interval_agrees_with_that_of_scipy() -> None:
    rhos = ranking.bootstrap_rho(TRUTH, PROXY, ranking.resamples(23, 4000, 0))
    other = stats.bootstrap(
        (TRUTH, PROXY),
        lambda a, b: stats.spearmanr(a, b).statistic,
        paired=True,
        vectorized=False,
        n_resamples=1000,
        method="percentile",
        rng=np.random.default_rng(1),
    ).confidence_interval
    assert ranking.percentile_interval(rhos) == pytest.approx(tuple(other), abs=0.06)


def test_same_arguments_draw_the_same_resamples() -> None:
    assert (ranking.resamples(9, 20, 4) == ranking.resamples(9, 20, 4)).all()
    assert (ranking.resamples(9, 20, 4) != ranking.resamples(9, 20, 5)).any()


def test_regret_is_what_the_best_of_the_top_lacks_and_ties_are_no_knowledge() -> None:
    truth = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert ranking.top_regret(truth, truth, 1) == 0
    assert ranking.top_regret(truth, -truth, 2) == pytest.approx(0.3)
    assert ranking.top_regret(truth, np.array([1, 2, 2, 2, 1.0]), 2) == pytest.approx(0.2)
    assert ranking.top_regret(truth, np.zeros(5), 5) == 0
