"""What appears together on a board, under which labels and beside which control."""

from __future__ import annotations

from dataclasses import replace

import pytest
from board_rows import boards_of, label, ranks, scores

from ddbench.leaderboard.boards import cells
from ddbench.leaderboard.entries import entries
from ddbench.leaderboard.labels import budget_label, setting_title
from ddbench.leaderboard.reading import Reading
from ddbench.leaderboard.tables import results_of, table_files
from ddbench.records.cost import Peak
from ddbench.records.measurement import Measurement

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


def test_control_whose_labels_are_of_another_kind_stands_beside_and_is_named_with_them(make):
    """Under paper each set has its own labels; elsewhere they are of one kind."""
    paper = {"protocols": ("paper/1",), "regimes": {"paper/1": "own logits"}}
    alike = make("apm", scores=scores("apm", (0.5, 0.51, 0.52)), **paper)
    own, control, *_ = alike.measurements
    other = replace(control, coordinates={**control.coordinates, "labels": "class ids"})
    record = make("apm", measurements=(own, other), **paper)
    (board,) = boards_of(record)
    (row,) = board.rows
    assert board.board.labels == "own logits"
    assert row.difference.mean == pytest.approx(0.11)
    assert (row.control_name, row.control_labels) == ("random", "class ids")
    files = table_files(results_of([record]), Reading([record], read=1), pictures=False)
    assert "**ipc 10**; control: random with class ids" in files["boards/cifar10.md"].decode()
    assert boards_of(alike)[0].rows[0].control_label == "random"


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


def test_difference_from_a_control_that_draws_nothing_either_is_over_networks(make):
    both = scores("kcenter", (0.50, 0.51, 0.52), (0.50, 0.50, 0.50))
    (board,) = boards_of(*(make("kcenter", seed=seed, scores=both) for seed in range(3)))
    (row,) = board.rows
    assert (row.control.n, row.difference.n) == ("1x3", "1x3")
    assert row.difference.half_width == pytest.approx(4.30265 * 0.01 / 3**0.5, abs=1e-6)
