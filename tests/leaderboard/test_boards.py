"""What stands together on a board, under which labels, and in which order."""

from __future__ import annotations

import dataclasses

import pytest

from ddbench.leaderboard.boards import cells, entries
from ddbench.leaderboard.tables import results_of
from ddbench.records.measurement import Measurement


def boards_of(*records):
    return results_of(records, figures=[]).boards


def ranks(board):
    return {row.variant.label: row.rank for row in board.rows}


def scores(method, own, control=(0.4, 0.41, 0.39)):
    return {method: own, "random": control}


APART = [
    {"dataset": "cifar100"},
    {"model_label": "convnet-width128"},
    {"budget": "paper"},
    {"protocols": ("soft/1",)},
    {"regimes": {"hard/1": "own logits"}},
    {"data": {"name": "cifar10", "version": 1, "train_hash": "a" * 40,
              "scored_split": "test", "scored_hash": "b" * 40}},
]  # fmt: skip


@pytest.mark.parametrize("change", APART, ids=lambda change: next(iter(change)))
def test_numbers_that_may_not_be_compared_stand_on_different_boards(change, make):
    found = boards_of(make("apm"), make("dm", **change))
    assert [len(board.rows) for board in found] == [1, 1]
    assert all(board.rows[0].rank == 1 for board in found)
    titles = {(b.board.setting.dataset, b.board.setting.model, b.board.setting.budget,
               b.board.protocol, b.board.labels) for b in found}  # fmt: skip
    assert len(titles) == 2  # a reader sees it, too


def test_budget_that_is_not_as_its_name_says_is_another_one(make):
    usual = make("apm")
    changed = dataclasses.replace(make("dm"), budget={**usual.budget, "evaluation": 0.5})
    labels = [board.board.setting.budget for board in boards_of(usual, changed)]
    assert labels == ["short", "short (evaluation=0.5)"]


def test_networks_of_another_seed_are_not_compared(make):
    other = make("dm")
    other = dataclasses.replace(other, task={**other.task, "network_seed": 1})
    assert len(boards_of(make("apm"), other)) == 2


def test_seeds_of_one_variant_are_one_row(make):
    (board,) = boards_of(*(make("apm", seed=seed) for seed in range(4)), make("dm"))
    assert [(row.variant.label, row.seeds) for row in board.rows] == [
        ("apm/1", (0, 1, 2, 3)),
        ("dm/1", (0,)),
    ]
    assert [row.accuracy.over for row in board.rows] == ["seeds", "networks"]


def test_given_settings_are_a_row_of_their_own_that_says_them(make):
    (board,) = boards_of(make("apm"), make("apm", given={"image_rate": 3.5}))
    assert set(ranks(board)) == {"apm/1", "apm/1 (image_rate=3.5)"}


def test_settings_that_a_recipe_changed_are_told_apart(make):
    old, new = make("apm"), make("apm", seed=1)
    new.method["settings"]["setting_3"]["value"] = 9
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


def test_methods_that_cannot_be_told_apart_share_a_rank(make):
    (board,) = boards_of(
        make("apm", scores=scores("apm", (0.70, 0.71, 0.72))),
        make("mtt", scores=scores("mtt", (0.71, 0.70, 0.715))),
        make("dm", scores=scores("dm", (0.50, 0.51, 0.52))),
    )
    assert ranks(board) == {"apm/1": 1, "mtt/1": 1, "dm/1": 3}
    assert [row.beaten_by for row in board.rows] == [0, 0, 2]


def test_pairing_tells_apart_what_intervals_of_their_own_do_not(make):
    (board,) = boards_of(
        make("apm", scores=scores("apm", (0.60, 0.70, 0.80))),
        make("dm", scores=scores("dm", (0.59, 0.69, 0.791))),
    )
    assert ranks(board) == {"apm/1": 1, "dm/1": 2}
    (pair,) = board.pairs
    assert pair.difference.mean == pytest.approx(0.0096667, abs=1e-6)
    assert pair.p == pytest.approx(pair.p_holm)
    assert pair.p < 0.01


def test_one_network_of_one_seed_ranks_nobody(make):
    (board,) = boards_of(make("apm", budget="smoke"), make("random", budget="smoke"))
    assert set(ranks(board).values()) == {1}
    assert board.pairs[0].p is None


def test_ipc_are_ranked_apart(make):
    (board,) = boards_of(make("apm", ipc=1), make("dm", ipc=10), make("mtt", ipc=10))
    assert [(row.ipc, row.variant.label, row.rank) for row in board.rows] == [
        (1, "apm/1", 1),
        (10, "mtt/1", 1),
        (10, "dm/1", 2),
    ]


def test_set_that_cannot_be_scored_is_shown_without_a_rank(make):
    where = {"protocol": "paper/1", "subject": "apm", "split": "test", "labels": "own logits"}
    unscored = Measurement("accuracy", None, "fraction", (), where, "names no evaluation")
    lone = dataclasses.replace(make("apm"), measurements=[unscored], protocols=["paper/1"])
    (board,) = boards_of(lone, make("dm", protocols=("paper/1",)))
    assert ranks(board) == {"dm/1": 1, "apm/1": None}
    assert board.rows[1].notes == ("names no evaluation",)


def test_of_two_records_of_one_place_the_latest_enters(make):
    early = make("apm", scores=scores("apm", (0.5, 0.5, 0.5)))
    late = make("apm", scores=scores("apm", (0.6, 0.6, 0.6)), finished="2027-01-01T00:00:00+00:00")
    late = dataclasses.replace(late, run="e" * 24)
    for order in ([early, late], [late, early]):
        (by_ipc,) = cells(entries(order)).values()
        (cell,) = by_ipc[10].values()
        assert cell.scores == {0: (0.6, 0.6, 0.6)}


def test_costs_are_those_of_making_and_not_of_scoring(make):
    record = make("apm")
    seconds = {"data": 1, "teachers": 10, "distil": 100, "scored data": 1000, "score": 10_000}
    for phase, cost in record.costs.items():
        cost["wall_seconds"], cost["resident_peak_bytes"] = seconds[phase], seconds[phase]
    record.networks.append({"stream": "label-teacher", "networks": 1, "bytes": 7})
    ((row,),) = [board.rows for board in boards_of(record)]
    assert row.making.distil_seconds == 100
    assert row.making.other_seconds == 10
    assert row.making.peak_bytes == 100
    assert row.making.networks_bytes == 195_344
