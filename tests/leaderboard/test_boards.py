"""What stands together on a board, under which labels, and in which order."""

from __future__ import annotations

import pytest

from ddbench.leaderboard.boards import cells, entries
from ddbench.leaderboard.labels import budget_label, setting_title, variant_label
from ddbench.leaderboard.standings import Place
from ddbench.leaderboard.tables import results_of
from ddbench.records.cost import Peak
from ddbench.records.measurement import Measurement


def boards_of(*records):
    return results_of(records, figures=[]).boards


def label(row):
    return variant_label(row.variant).full


def ranks(board):
    return {label(row): row.rank for row in board.rows}


def scores(method, own, control=(0.4, 0.41, 0.39)):
    return {method: own, "random": control}


def of_seeds(make, method, *means, first=0, **options):
    """Records of a method, one a seed: its mean over three networks that differ by 2 points."""
    networks = (-0.02, 0.0, 0.02)
    return [
        make(method, seed=first + seed, scores=scores(method, tuple(mean + n for n in networks)),
             **options)
        for seed, mean in enumerate(means)
    ]  # fmt: skip


def beaten(board):
    """Who beats whom."""
    return {
        (variant_label(pair.first).full, variant_label(pair.second).full)
        for pair in board.pairs
        if pair.decided
    }


APART = [
    {"dataset": "cifar100"},
    {"model_label": "convnet-width128"},
    {"budget": "paper"},
    {"protocols": ("soft/1",)},
    {"regimes": {"hard/1": "own logits"}},
    {"data": {"train_hash": "a" * 40,
              "scored_split": "test", "scored_hash": "b" * 40}},
]  # fmt: skip


@pytest.mark.parametrize("change", APART, ids=lambda change: next(iter(change)))
def test_numbers_that_may_not_be_compared_stand_on_different_boards(change, make):
    found = boards_of(make("apm"), make("dm", **change))
    assert [len(board.rows) for board in found] == [1, 1]
    assert not any(board.pairs for board in found)
    titles = {
        (setting_title(b.board.setting), b.board.protocol.label, b.board.labels) for b in found
    }
    assert len(titles) == 2  # a reader sees it, too


def test_budget_that_is_not_as_its_name_says_is_another_one(make, altered):
    changed = altered(make("dm"), {"budget.evaluation": 0.5})
    found = boards_of(make("apm"), changed)
    labels = [budget_label(board.board.setting).full for board in found]
    assert labels == ["short", "short (evaluation=0.5)"]


def test_seeds_of_other_code_of_another_package_are_another_variant(make):
    def by(package, digest, seed):
        code = {"kind": "method", "name": "mine", "package": package, "version": "1.0"}
        code |= {"commit": None, "modified": None, "digest": digest * 64}
        return make("mine", seed=seed, plugins=[code])

    (board,) = boards_of(by("own", "a", 0), by("own", "a", 1), by("own", "b", 0))
    assert sorted(label(row) for row in board.rows) == [
        "mine/1 (code=aaaaaaaa)",
        "mine/1 (code=bbbbbbbb)",
    ]
    (board,) = boards_of(by("own", "a", 0), by("own", "a", 1))
    assert [label(row) for row in board.rows] == ["mine/1"]
    (board,) = boards_of(by("ddbench", "a", 0), by("ddbench", "b", 1))
    assert [label(row) for row in board.rows] == ["mine/1"]


def test_networks_of_another_seed_are_not_compared(make, altered):
    other = altered(make("dm"), {"task.network_seed": 1})
    assert len(boards_of(make("apm"), other)) == 2


def test_uneven_sets_stand_beside_no_even_set_and_no_other_uneven_one(make, altered):
    def uneven(method, *counts):
        run = "".join(f"{count:08x}" for count in counts) + make(method).run[:8]
        return altered(make(method), {"task.class_counts": list(counts), "run": run})

    alike = [uneven("dm", 10, 3, 1), uneven("apm", 10, 3, 1)]
    found = boards_of(make("apm"), *alike, uneven("dm", 10, 1, 3), uneven("dm", 10, 2, 2))
    titles = [setting_title(board.board.setting).partition(":")[0] for board in found]
    assert sorted(len(board.rows) for board in found) == [1, 1, 1, 2]
    assert len(set(titles)) == 4
    assert {title.partition(" #")[0] for title in titles} == {
        "cifar10",
        "cifar10 (class_counts=1 to 10, 14 in all)",
        "cifar10 (class_counts=2 to 10, 14 in all)",
    }


def test_seeds_of_one_variant_are_one_row(make):
    (board,) = boards_of(*(make("apm", seed=seed) for seed in range(4)), make("dm"))
    assert [(label(row), row.seeds) for row in board.rows] == [
        ("apm/1", (0, 1, 2, 3)),
        ("dm/1", (0,)),
    ]
    assert [row.accuracy.over for row in board.rows] == ["seeds", "networks"]


def test_given_settings_are_a_row_of_their_own_that_says_them(make):
    (board,) = boards_of(make("apm"), make("apm", given={"image_rate": 3.5}))
    assert set(ranks(board)) == {"apm/1", "apm/1 (image_rate=3.5)"}


def test_settings_that_a_recipe_changed_are_told_apart(make, altered):
    old = make("apm")
    new = altered(make("apm", seed=1), {"method.settings.setting_3.value": 9})
    (board,) = boards_of(old, new)
    assert set(ranks(board)) == {"apm/1 (setting_3=0.42857142857142855)", "apm/1 (setting_3=9)"}


def test_control_stands_beside_and_is_no_row(make):
    (board,) = boards_of(make("apm", scores=scores("apm", (0.5, 0.51, 0.52))))
    (row,) = board.rows
    assert row.control_name == "random"
    assert row.control.mean == pytest.approx(0.4)
    assert row.difference.values == pytest.approx((0.1, 0.1, 0.13))


def test_method_below_its_control_is_flagged(make):
    (board,) = boards_of(make("apm", scores=scores("apm", (0.3, 0.31, 0.3))))
    assert "below its control" in board.rows[0].notes


def test_seeds_that_change_nothing_make_no_interval(make):
    controls = [(0.4, 0.41, 0.39), (0.42, 0.43, 0.41), (0.38, 0.4, 0.41)]
    (board,) = boards_of(
        *(
            make("herding", seed=seed, scores=scores("herding", (0.7, 0.71, 0.72), control))
            for seed, control in enumerate(controls)
        )
    )
    (row,) = board.rows
    assert (row.accuracy.over, row.accuracy.n) == ("networks", "1x3")
    assert row.accuracy.half_width == pytest.approx(0.0248, abs=1e-4)
    assert "the same accuracy at every seed" in row.notes
    assert row.difference.over == "seeds"  # for the control's sets differ


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
    """Differences and p of the others stay; corrected p may only rise, so none beats anew."""
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


def test_set_that_cannot_be_scored_is_shown_without_a_rank(make):
    where = {"protocol": "paper/1", "subject": "apm", "split": "test", "labels": "own logits"}
    unscored = Measurement("accuracy", None, "fraction", (), where, "names no evaluation")
    lone = make("apm", protocols=("paper/1",), measurements=[unscored])
    others = [make("dm", seed=seed, protocols=("paper/1",)) for seed in range(3)]
    (board,) = boards_of(lone, *others)
    assert ranks(board) == {"dm/1": 1, "apm/1": None}
    assert board.rows[1].notes == ("names no evaluation",)


def test_of_two_records_of_one_place_the_latest_enters(make):
    early = make("apm", scores=scores("apm", (0.5, 0.5, 0.5)))
    late = make("apm", scores=scores("apm", (0.6, 0.6, 0.6)), run="e" * 24,
                finished="2027-01-01T00:00:00+00:00")  # fmt: skip
    for order in ([early, late], [late, early]):
        (by_ipc,) = cells(entries(order)).values()
        (cell,) = by_ipc[10].values()
        assert cell.scores == {0: (0.6, 0.6, 0.6)}


def test_costs_are_those_of_making_and_not_of_scoring(make):
    seconds = {("data", "read"): 1, ("teacher", "made"): 10, ("distil", "made"): 100,
               ("scored data", "scored"): 1000, ("teacher", "scored"): 10_000}  # fmt: skip
    costs = [
        {"phase": phase, "stage": stage, "wall_seconds": own, "resident_peak_bytes": own,
         "allocated_peak_bytes": None, "reserved_peak_bytes": None}
        for (phase, stage), own in seconds.items()
    ]  # fmt: skip
    pools = [
        {"stream": "teacher", "stage": "scored", "networks": 1, "bytes": 7},
        {"stream": "teacher", "stage": "made", "networks": 2, "bytes": 195_344},
    ]
    ((row,),) = [board.rows for board in boards_of(make("apm", costs=costs, networks=pools))]
    assert row.making.distil_seconds == 100
    assert row.making.other_seconds == 10
    assert row.making.peak == Peak("resident", 100)
    assert row.making.networks_bytes == 195_344


@pytest.mark.parametrize(("allocated", "peak"), [((0, 0), 0), ((7, 3), 7)])
def test_memory_of_the_host_never_stands_in_for_that_of_an_accelerator(
    allocated, peak, make, altered
):
    changes = {f"costs.{place}.allocated_peak_bytes": own for place, own in enumerate(allocated, 1)}
    ((row,),) = [board.rows for board in boards_of(altered(make("apm"), changes))]
    assert row.making.peak == Peak("allocated", peak)


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


def test_difference_from_a_control_that_draws_nothing_either_is_over_networks(make):
    both = scores("kcenter", (0.50, 0.51, 0.52), (0.50, 0.50, 0.50))
    (board,) = boards_of(*(make("kcenter", seed=seed, scores=both) for seed in range(3)))
    (row,) = board.rows
    assert (row.control.n, row.difference.n) == ("1x3", "1x3")
    assert row.difference.half_width == pytest.approx(4.30265 * 0.01 / 3**0.5, abs=1e-6)
