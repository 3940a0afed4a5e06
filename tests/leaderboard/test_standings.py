"""Who beats whom on a board, and in which order."""

from __future__ import annotations

import pytest
from board_rows import beaten, boards_of, label, of_seeds, ranks, scores

from ddbench.leaderboard.labels import variant_label
from ddbench.leaderboard.standings import Place


def test_a_rank_is_one_more_than_the_number_of_methods_that_beat_this_one(make):
    (board,) = boards_of(
        *of_seeds(make, "apm", 0.70, 0.71, 0.72),
        *of_seeds(make, "mtt", 0.705, 0.704, 0.727),
        *of_seeds(make, "dm", 0.50, 0.511, 0.519),
    )
    assert ranks(board) == {"mtt/1": 1, "apm/1": 1, "dm/1": 3}
    assert [row.place for row in board.rows] == [Place(0, 1, 3), Place(0, 1, 3), Place(2, 0, 3)]
    assert [row.place.told for row in board.rows] == ["1-2", "1-2", "3"]


def test_only_what_is_told_apart_after_the_correction_beats(make):
    """By hand: differences 1, 2 and 1.5 points: t = 1.5 / (0.5 / sqrt(3)) = 5.196, p = 0.0351."""
    two = [*of_seeds(make, "apm", 0.71, 0.73, 0.735), *of_seeds(make, "dm", 0.70, 0.71, 0.72)]
    (board,) = boards_of(*two)
    assert board.pairs[0].p == pytest.approx(0.0351, abs=1e-4)
    assert beaten(board) == {("apm/1", "dm/1")}
    (board,) = boards_of(*two, *of_seeds(make, "mtt", 0.5, 0.7, 0.9))
    pair = next(pair for pair in board.pairs if pair.second.method == "dm")
    assert pair.p_holm == pytest.approx(3 * pair.p)
    assert beaten(board) == set()


CLEAR = {
    "apm": (0.70, 0.71, 0.72, 0.70),
    "dm": (0.5, 0.512, 0.52, 0.50),
    "mtt": (0.6, 0.61, 0.63, 0.6),
}
ADDED = {
    "noisy": (0.3, 0.9, 0.5, 0.95),
    "strong": (0.97, 0.96, 0.96, 0.95),
    "weak": (0.1, 0.11, 0.12, 0.1),
    "identical": CLEAR["apm"],
    "between": (0.59, 0.61, 0.62, 0.62),
    "of few seeds": (0.97, 0.96),
    "of other seeds": (),
}


@pytest.mark.parametrize("kind", ADDED)
def test_no_entry_changes_who_beats_whom_among_the_others_but_through_the_correction(kind, make):
    """Differences and p of the others stay; corrected p can only rise, so no win is added."""
    others = [record for name, own in CLEAR.items() for record in of_seeds(make, name, *own)]
    means = ADDED[kind] or (0.55, 0.75, 0.6, 0.8)
    entry = of_seeds(make, "ftd", *means, first=0 if ADDED[kind] else 10)
    (before,), (after,) = boards_of(*others), boards_of(*others, *entry)
    assert beaten(before) == {("apm/1", "dm/1"), ("apm/1", "mtt/1"), ("mtt/1", "dm/1")}
    old = {(pair.first, pair.second): pair for pair in before.pairs}
    kept = {
        (p.first, p.second): p
        for p in after.pairs
        if "ftd" not in (p.first.method, p.second.method)
    }
    assert kept.keys() == old.keys()
    for both, pair in kept.items():
        assert (pair.difference, pair.p) == (old[both].difference, old[both].p)
        assert pair.p_holm >= old[both].p_holm
    tested = sorted(pair.p for pair in after.pairs if pair.p_holm is not None)
    assert len(tested) == (3 if kind == "of few seeds" else 6)
    among = {both for both in beaten(after) if "ftd/1" not in both}
    assert among == {
        (variant_label(pair.first).full, variant_label(pair.second).full)
        for pair in kept.values()
        if (len(tested) - tested.index(pair.p)) * pair.p < 0.05
    }
    if kind == "of few seeds":
        assert (among, ranks(after)["ftd/1"]) == (beaten(before), None)


def test_fewer_than_three_seeds_stand_unranked_below_the_others_and_say_so(make):
    (board,) = boards_of(
        *of_seeds(make, "apm", 0.70, 0.71, 0.72),
        *of_seeds(make, "dm", 0.50, 0.51, 0.52),
        *of_seeds(make, "mtt", 0.97, 0.98),
    )
    assert ranks(board) == {"apm/1": 1, "dm/1": 2, "mtt/1": None}
    assert [label(row) for row in board.rows] == ["apm/1", "dm/1", "mtt/1"]
    assert "not ranked: fewer than 3 seeds" in board.rows[2].notes
    assert {
        pair.p_holm for pair in board.pairs if "mtt" in (pair.first.method, pair.second.method)
    } == {None}


def test_methods_without_common_seeds_are_compared_as_independent_samples(make):
    """Welch by hand: means 71 and 51, deviations 1: t = 20 / sqrt(2 / 3) = 24.49, 4 degrees."""
    (board,) = boards_of(
        *of_seeds(make, "apm", 0.70, 0.71, 0.72), *of_seeds(make, "dm", 0.50, 0.51, 0.52, first=5)
    )
    (pair,) = board.pairs
    assert (pair.difference.over, pair.difference.n) == ("seeds", "3x3")
    assert pair.difference.mean == pytest.approx(0.2)
    assert pair.difference.half_width == pytest.approx(2.776445 * 0.01 * (2 / 3) ** 0.5)
    assert pair.p == pytest.approx(1.6476e-5, rel=1e-3)
    assert ranks(board) == {"apm/1": 1, "dm/1": 2}


def test_pairing_tells_apart_what_intervals_of_their_own_do_not(make):
    (board,) = boards_of(
        *of_seeds(make, "apm", 0.60, 0.70, 0.80), *of_seeds(make, "dm", 0.59, 0.69, 0.791)
    )
    assert ranks(board) == {"apm/1": 1, "dm/1": 2}
    (pair,) = board.pairs
    assert pair.difference.mean == pytest.approx(0.0096667, abs=1e-6)
    assert pair.p == pytest.approx(pair.p_holm)
    assert pair.p < 0.01


def test_one_network_of_one_seed_ranks_nobody(make):
    (board,) = boards_of(make("apm", budget="smoke"), make("random", budget="smoke"))
    assert set(ranks(board).values()) == {None}
    assert board.pairs[0].p is None


def test_ipc_are_ranked_apart(make):
    (board,) = boards_of(
        *of_seeds(make, "apm", 0.5, 0.51, 0.52, ipc=1),
        *of_seeds(make, "dm", 0.5, 0.51, 0.52, ipc=10),
        *of_seeds(make, "mtt", 0.7, 0.711, 0.72, ipc=10),
    )
    assert [(row.ipc, label(row), row.rank) for row in board.rows] == [
        (1, "apm/1", 1),
        (10, "mtt/1", 1),
        (10, "dm/1", 2),
    ]


def test_methods_that_draw_nothing_are_compared_over_networks(make):
    """By hand: differences 0, 1, 2 points have mean 1 and deviation 1; t(2) is 4.30265."""
    fixed = {"herding": (0.90, 0.91, 0.92), "kcenter": (0.90, 0.90, 0.90)}
    (board,) = boards_of(
        *(
            make(m, seed=seed, scores=scores(m, own))
            for seed in range(3)
            for m, own in fixed.items()
        )
    )
    (pair,) = board.pairs
    assert (pair.difference.over, pair.difference.n) == ("networks", "1x3")
    assert pair.difference.mean == pytest.approx(0.01)
    assert pair.difference.half_width == pytest.approx(4.30265 * 0.01 / 3**0.5, abs=1e-6)
    assert pair.p == pytest.approx(0.2254, abs=1e-4)
    assert [row.place for row in board.rows] == [Place(0, 0, 2)] * 2
