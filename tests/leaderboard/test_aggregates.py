"""Methods over many cells: mean ranks with intervals, and performance profiles."""

from __future__ import annotations

import statistics

import pytest

from ddbench.leaderboard.aggregates import POINTS, aggregated, aggregates
from ddbench.leaderboard.entries import Variant
from ddbench.leaderboard.tables import results_of


def variant(name):
    return Variant(name, 1, "", (), (), "", {})


def by_name(*cells):
    """The aggregates of cells with means in percent, by name."""
    found = aggregated(
        [{variant(name): mean / 100 for name, mean in means.items()} for means in cells]
    )
    return {one.variant.method: one for one in found}


COMPLETE = (
    {"apm": 70, "dm": 60, "mtt": 50},
    {"apm": 65, "dm": 66, "mtt": 64},
    {"apm": 90, "dm": 80, "mtt": 80},
)


def test_of_complete_cells_it_is_the_mean_of_the_ranks():
    found = by_name(*COMPLETE)
    assert list(found) == ["apm", "dm", "mtt"]  # best first
    assert found["apm"].mean_rank == pytest.approx(statistics.fmean([1, 2, 1]))
    assert found["dm"].mean_rank == pytest.approx(statistics.fmean([2, 1, 2.5]))
    assert found["mtt"].mean_rank == pytest.approx(statistics.fmean([3, 3, 2.5]))


def test_a_method_is_compared_in_the_cells_that_both_have():
    """Absent from the second cell, mtt is behind dm in half of the cells that they share."""
    found = by_name(*(COMPLETE[0], {"apm": 65, "dm": 66}, COMPLETE[2]))
    assert found["mtt"].mean_rank == pytest.approx(1 + 1 + 0.75)
    assert found["mtt"].cells == 2


def test_a_method_that_shares_no_cell_counts_half():
    found = by_name({"apm": 70, "dm": 60}, {"mtt": 90, "ftd": 80})
    assert found["apm"].mean_rank == pytest.approx(1 + 0 + 0.5 + 0.5)
    assert found["ftd"].mean_rank == pytest.approx(1 + 1 + 0.5 + 0.5)


def test_profile_is_the_share_of_cells_near_the_best():
    assert POINTS == (0, 1, 2, 5, 10)
    found = by_name(*COMPLETE)
    assert found["apm"].within == pytest.approx((2 / 3, 1, 1, 1, 1))
    assert found["dm"].within == pytest.approx((1 / 3, 1 / 3, 1 / 3, 1 / 3, 1))
    assert found["mtt"].within == pytest.approx((0, 0, 1 / 3, 1 / 3, 2 / 3))


def test_interval_is_over_cells_and_needs_three_of_them():
    found = by_name(*COMPLETE)
    assert found["apm"].interval == (1.0, 2.0)
    low, high = found["dm"].interval
    assert 1 <= low < found["dm"].mean_rank < high <= 2.5
    assert all(one.interval is None for one in by_name(*COMPLETE[:2]).values())


def test_interval_of_cells_that_agree_has_no_width():
    found = by_name(*[COMPLETE[0]] * 5)
    assert [one.interval for one in found.values()] == [(1.0, 1.0), (2.0, 2.0), (3.0, 3.0)]


def test_order_of_methods_changes_nothing():
    turned = [dict(reversed(cell.items())) for cell in COMPLETE]
    assert by_name(*turned) == by_name(*COMPLETE)


def test_cells_of_other_conditions_and_unranked_entries_do_not_count(make):
    def records(ipc, count=3, **options):
        return [
            make(method, ipc=ipc, seed=seed, **options)
            for method in ("apm", "dm")
            for seed in range(count)
        ]

    boards = results_of(
        [*records(1), *records(10), *records(50, budget="paper"), *records(50, count=2)], figures=[]
    ).boards
    ((conditions, methods),) = aggregates(boards).items()
    assert (conditions.budget, conditions.protocol.label) == ("short", "hard/1")
    assert [(one.variant.method, one.cells) for one in methods] == [("apm", 2), ("dm", 2)]
