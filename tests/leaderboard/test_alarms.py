"""Two alarms before a record enters: too good to be plausible, and seeds that are one sample."""

from __future__ import annotations

from pathlib import Path

import pytest

from ddbench.distilling.registry import METHODS
from ddbench.leaderboard.alarms import alarms
from ddbench.leaderboard.published import published_figures
from ddbench.leaderboard.reading import read_folder
from ddbench.records.measurement import Measurement

COMMITTED = Path(__file__).parents[2] / "leaderboards" / "results"
FIGURES = published_figures()
PAPER = {"dataset": "cifar10", "ipc": 50, "model_label": "convnet-width128"}


def raised(*submitted, known=(), images=None, draws=True):
    """The alarms of each record."""
    found = alarms(submitted, known, images or {}, FIGURES, lambda record: draws)
    return [found.get(record.run, []) for record in submitted]


def whole(*values):
    where = {"protocol": "whole/1", "subject": "whole", "split": "test"}
    return (Measurement("accuracy", sum(values) / len(values), "fraction", values, where),)


def scored(make, *values, **options):
    return make("apm", scores={"apm": values, "random": (0.4,) * len(values)}, **options)


@pytest.mark.parametrize(
    ("values", "alarming"),
    [((0.90, 0.91, 0.92), True), ((0.85, 0.86, 0.95), False), ((0.70, 0.71, 0.72), False)],
)
def test_an_accuracy_above_that_of_all_real_images_by_more_than_its_interval(
    values, alarming, make
):
    record = scored(make, *values, extra=whole(0.84, 0.85, 0.86))
    (lines,) = raised(record)
    assert bool(lines) == alarming
    if alarming:
        assert lines == ["hard/1: 91.0 ± 2.5 % is above the 85.0 % of all real training images"]


def test_all_real_images_are_known_from_records_that_are_there_already(make):
    there = make("dm", extra=whole(0.84, 0.85, 0.86))
    record = scored(make, 0.90, 0.91, 0.92)
    assert len(raised(record, known=[there])[0]) == 1
    elsewhere = make("dm", extra=whole(0.84, 0.85, 0.86), dataset="cifar100")
    assert raised(record, known=[elsewhere]) == [[]]


@pytest.mark.parametrize(("middle", "alarming"), [(0.77, True), (0.762, False), (0.75, False)])
def test_an_accuracy_above_the_best_that_is_published_by_more_than_its_interval(
    middle, alarming, make
):
    """76.1 is DATM's on CIFAR-10 at ipc 50; the interval is 0.5 wide on each side."""
    values = (middle - 0.002, middle, middle + 0.002)
    (lines,) = raised(scored(make, *values, **PAPER))
    assert bool(lines) == alarming
    if alarming:
        assert "above the 76.1 % of datm, the best that is published for it (DATM" in lines[0]
    assert raised(scored(make, *values, **{**PAPER, "ipc": 49})) == [[]]


def test_one_value_has_no_interval_and_raises_no_alarm(make):
    assert raised(scored(make, 0.99, budget="smoke", **PAPER)) == [[]]


def seeds(make, *rows, **options):
    return [scored(make, *row, seed=seed, **options) for seed, row in enumerate(rows)]


def test_the_same_accuracies_at_two_seeds(make):
    first, second, third = seeds(make, (0.7, 0.71, 0.72), (0.7, 0.71, 0.72), (0.7, 0.71, 0.73))
    one, two, none = raised(first, second, third)
    assert one == [
        f"seeds 0 and 1 ({second.name}) have the same 3 accuracies to the last digit: they are one "
        "sample, not two"
    ]
    assert len(two) == 1
    assert none == []
    assert raised(second, known=[first]) == [two]


def test_two_equal_accuracies_may_be_so_by_chance(make):
    few = {"budget": "smoke", "protocols": ("hard/1", "soft/1")}  # one network under each
    first, second = seeds(make, (0.7,), (0.7,), **few)
    assert raised(first, second) == [[], []]


def test_the_same_images_at_two_seeds(make, altered):
    first, second = seeds(make, (0.7, 0.71, 0.72), (0.6, 0.61, 0.62))
    same = {first.run: "a", second.run: "a"}
    assert "seeds 0 and 1" in raised(first, second, images=same)[0][0]
    assert raised(first, second, images={first.run: "a", second.run: "b"}) == [[], []]
    copied = altered(second, {"distilled.sha256": first.distilled.sha256})
    assert "the same images" in raised(copied, known=[first])[0][0]


def test_seeds_of_different_methods_settings_or_ipc_are_not_compared(make):
    row = (0.7, 0.71, 0.72)
    first = scored(make, *row)
    others = [
        scored(make, *row, seed=1, ipc=1),
        scored(make, *row, seed=2, given={"image_rate": 3.5}),
        make("dm", seed=3, scores={"dm": row, "random": row}),
    ]
    assert raised(first, *others) == [[]] * 4


def test_a_method_that_draws_nothing_may_have_the_same_at_every_seed(make):
    assert raised(*seeds(make, *[(0.7, 0.71, 0.72)] * 3), draws=False) == [[]] * 3


def test_records_that_are_there_raise_no_alarm_and_only_methods_that_draw_nothing_would():
    records = read_folder(COMMITTED).records

    def draws(record):
        return METHODS[record.method.name].draws_at(record.task.ipc)

    assert alarms(records, [], {}, FIGURES, draws) == {}
    without = alarms(records, [], {}, FIGURES, lambda record: True)
    told = [record for record in records if record.run in without]
    fixed = [record for record in records if not draws(record)]
    assert {one.method.name for one in told} == {one.method.name for one in fixed}
    assert not any(draws(record) for record in told)
