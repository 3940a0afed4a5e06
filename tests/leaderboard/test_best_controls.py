"""What images add: the best control at equal bytes, paired, and what has no verdict."""

from __future__ import annotations

import statistics

import pytest

from ddbench.distilling.registry import METHODS
from ddbench.leaderboard.best_controls import is_control
from ddbench.leaderboard.labels import best_control_label, labels_head
from ddbench.leaderboard.tables import results_of
from ddbench.records.facts import OriginFacts

T_OF_TWO = 4.302652729911275
"""The quantile of Student's t with two degrees of freedom, two-sided at 95%."""
BYTES = 26_400


@pytest.fixture
def records(make, altered):
    """Records of a method, one a seed: three networks about each mean, or the networks given."""

    def records(method, *seeds, bytes=BYTES, first=0, **options):
        made = []
        for seed, own in enumerate(seeds, first):
            networks = own if isinstance(own, tuple) else (own - 0.02, own, own + 0.02)
            one = make(method, seed=seed, scores={method: networks}, control=None, **options)
            made.append(altered(one, {"distilled.storage_bytes": bytes}))
        return made

    return records


def found(*records):
    """Improvements by the heading of their column; of one setting, ipc and method."""
    (own,) = results_of([one for same in records for one in same], figures=[]).improvements.values()
    return {labels_head(one.protocol): one for one in own}


def compared(*records):
    return found(*records)["hard/1"]


OURS = [(0.71, 0.74, 0.70), (0.69, 0.75, 0.72), (0.80, 0.73, 0.71)]
CONTROLS = {
    "random": [(0.60, 0.64, 0.62), (0.70, 0.71, 0.75), (0.66, 0.65, 0.68)],
    "herding": [(0.70, 0.73, 0.71), (0.66, 0.69, 0.73), (0.69, 0.71, 0.76)],
    "kcenter": [(0.50, 0.54, 0.52), (0.60, 0.61, 0.65), (0.56, 0.55, 0.58)],
}


def naive(ours, controls):
    """The improvement by loops over seeds and networks: name, mean and half width."""
    best, highest = "", -1.0
    for name, seeds in controls.items():
        total = 0.0
        for networks in seeds:
            for accuracy in networks:
                total += accuracy
        mean = total / sum(len(networks) for networks in seeds)
        if mean > highest:
            best, highest = name, mean
    by_seed = []
    for mine, theirs in zip(ours, controls[best], strict=True):
        total = 0.0
        for a, b in zip(mine, theirs, strict=True):
            total += a - b
        by_seed.append(total / len(mine))
    mean = sum(by_seed) / 3
    deviation = (sum((own - mean) ** 2 for own in by_seed) / 2) ** 0.5
    return best, mean, T_OF_TWO * deviation / 3**0.5


def test_improvement_is_that_of_loops_over_controls_seeds_and_networks(records):
    controls = [records(name, *seeds) for name, seeds in CONTROLS.items()]
    one = compared(records("apm", *OURS), *controls)
    name, mean, half_width = naive(OURS, CONTROLS)
    assert one.control.variant.method == name == "herding"
    assert one.difference.mean == pytest.approx(mean)
    assert one.difference.half_width == pytest.approx(half_width)
    assert (one.difference.over, one.difference.n) == ("seeds", "3x3")
    assert best_control_label(one) == "herding/1, best of 3"


@pytest.mark.parametrize(("own", "relation"), [(0.7, 1), (0.6, 0), (0.5, -1)])
def test_verdict_says_on_which_side_of_zero_the_interval_is(own, relation, records):
    ours = records("apm", own, own + 0.01, own + 0.02)
    assert compared(ours, records("random", 0.60, 0.615, 0.618)).relation == relation


def test_a_better_control_that_takes_one_byte_more_is_not_taken(records):
    ours, lighter = records("apm", 0.7, 0.71, 0.72), records("random", 0.5, 0.51, 0.52)
    equal = compared(ours, lighter, records("herding", 0.6, 0.61, 0.62))
    heavier = compared(ours, lighter, records("herding", 0.6, 0.61, 0.62, bytes=BYTES + 1))
    assert (equal.control.variant.method, equal.heavier) == ("herding", 0)
    assert (heavier.control.variant.method, heavier.heavier) == ("random", 1)


def test_bytes_of_labels_make_room_for_a_control_of_more_images(records):
    """APM's ten images of digits, with logits, take as much as eleven real ones with class ids."""
    controls = records("random", 0.8, 0.81, 0.82, bytes=29_040, ipc=11)
    controls += records("random", 0.7, 0.71, 0.72)
    with_logits = compared(records("apm", 0.9, 0.91, 0.92, bytes=30_400), controls)
    without = compared(records("dm", 0.9, 0.91, 0.92), controls)
    assert (with_logits.control.ipc, without.control.ipc) == (11, 10)
    assert best_control_label(with_logits) == "random/1 at ipc 11, the only one"
    assert best_control_label(without) == "random/1, the only one"


def test_a_control_of_fewer_images_is_taken_where_it_is_better(records):
    fewer = records("herding", 0.8, 0.81, 0.82, bytes=2640, ipc=1)
    one = compared(records("apm", 0.9, 0.91, 0.92), records("random", 0.7, 0.71, 0.72), fewer)
    assert (one.control.variant.method, one.control.ipc) == ("herding", 1)
    assert one.relation == 1


@pytest.mark.parametrize(("bytes", "relation"), [(BYTES // 2, None), (BYTES // 2 + 1, 1)])
def test_no_verdict_where_controls_of_the_size_were_not_scored(bytes, relation, records):
    control = records("random", 0.5, 0.51, 0.52, bytes=bytes, ipc=5)
    one = compared(records("apm", 0.7, 0.71, 0.72), control)
    assert one.difference.mean == pytest.approx(0.2)
    assert one.relation is relation


def test_a_control_of_another_protocol_counts_under_any_labels_alone(records):
    ours = [
        *records("apm", 0.60, 0.61, 0.62),
        *records("apm", 0.80, 0.81, 0.83, protocols=("soft/1",)),
    ]
    controls = [
        *records("herding", 0.5, 0.51, 0.52),
        *records("random", 0.55, 0.56, 0.56, protocols=("soft/1",)),
    ]
    own = found(ours, controls)
    assert list(own) == ["hard/1", "soft/1", "any labels"]
    assert own["hard/1"].control.variant.method == "herding"
    of_any = own["any labels"]
    assert of_any.own.protocol.label == "soft/1"
    assert of_any.difference.mean == pytest.approx(
        statistics.fmean([0.80, 0.81, 0.83]) - statistics.fmean([0.55, 0.56, 0.56])
    )
    assert best_control_label(of_any) == "soft/1, over random/1 under soft/1, best of 2"


def test_a_protocol_that_a_method_was_not_scored_under_helps_no_control(records):
    ours = records("apm", 0.60, 0.61, 0.62)
    theirs = records("random", 0.5, 0.51, 0.52)
    taught = records("random", 0.9, 0.91, 0.92, protocols=("soft/1",))
    of_any = found(ours, [*theirs, *taught])["any labels"]
    assert of_any.difference.mean == pytest.approx(0.1)
    assert found(ours, taught)["any labels"].reason == "no control under its protocols"


def test_under_one_protocol_kinds_of_labels_are_compared(records):
    ours = records("apm", 0.7, 0.71, 0.72, protocols=("paper/1",))
    theirs = records("random", 0.5, 0.51, 0.52, protocols=("paper/1",),
                     regimes={"paper/1": "class ids"})  # fmt: skip
    one = found(ours, theirs)["paper/1"]
    assert (one.own.labels, one.control.labels) == ("own logits", "class ids")
    assert one.relation == 1


def test_pairs_are_the_seeds_that_both_have(records):
    ours = records("apm", 0.1, 0.7, 0.72, 0.75)
    one = compared(ours, records("random", 0.6, 0.61, 0.62, 0.9, first=1))
    assert one.difference.n == "3x3"
    assert one.difference.mean == pytest.approx((0.1 + 0.11 + 0.13) / 3)


def test_a_control_of_few_seeds_stands_only_where_there_is_no_other(records):
    ours, few = records("apm", 0.7, 0.71, 0.72), records("herding", 0.65, 0.66)
    with_another = compared(ours, few, records("random", 0.5, 0.51, 0.52))
    alone = compared(ours, few)
    assert (with_another.control.variant.method, with_another.relation) == ("random", 1)
    assert (alone.control.variant.method, alone.relation) == ("herding", None)


def test_a_method_of_few_seeds_gets_no_verdict(records):
    one = compared(records("apm", 0.7, 0.71), records("random", 0.5, 0.51, 0.52))
    assert one.difference.mean == pytest.approx(0.2)
    assert one.relation is None


def test_of_controls_that_are_equally_good_the_lightest_is_taken_then_the_first_by_name(records):
    ours = records("apm", 0.7, 0.71, 0.72)
    equal = [records(name, 0.5, 0.51, 0.52) for name in ("random", "herding", "kcenter")]
    assert compared(ours, *equal).control.variant.method == "herding"
    lighter = records("random", 0.5, 0.51, 0.52, bytes=BYTES - 1)
    assert compared(ours, *equal[1:], lighter).control.variant.method == "random"


def test_without_a_control_there_is_a_reason(records):
    ours = records("apm", 0.7, 0.71, 0.72)
    alone = compared(ours)
    heavier = found(ours, records("random", 0.5, 0.51, 0.52, bytes=BYTES + 1))
    for one in (alone, *heavier.values()):
        assert (one.control, one.difference, one.relation) == (None, None, None)
    assert alone.reason == "no control under hard/1"
    assert heavier["hard/1"].reason == "every control under hard/1 takes more bytes"
    assert heavier["any labels"].reason == "every control under its protocols takes more bytes"


def test_controls_of_another_setting_are_not_taken(records):
    ours = records("apm", 0.7, 0.71, 0.72)
    for apart in ({"dataset": "digits"}, {"budget": "paper"}, {"model_label": "convnet-width128"}):
        networks = (0.5,) * (5 if "budget" in apart else 3)
        control = records("random", networks, networks, networks, **apart)
        assert compared(ours, control).reason == "no control under hard/1"


def test_the_control_beside_a_run_is_no_set_of_its_own(make):
    """It has the method's labels, and no record says what they take."""
    assert compared([make("apm", seed=seed) for seed in range(3)]).control is None


def test_controls_have_no_row(records):
    selections = [records(name, 0.5, 0.51, 0.52) for name in ("random", "herding")]
    assert results_of([*selections[0], *selections[1]], figures=[]).improvements == {}


def test_a_set_that_was_made_elsewhere_is_no_control(records, altered):
    origin = OriginFacts(name="random", source="set.pt").plain()
    there = {"origin": origin, "run": "e" * 40}
    theirs = [altered(one, there) for one in records("random", 0.6)]
    assert not is_control(theirs[0])
    one = compared(theirs, records("random", 0.5, 0.51, 0.52))
    assert one.own.variant.origin
    assert one.difference.mean == pytest.approx(0.1)
    assert one.relation is None


@pytest.mark.parametrize("name", METHODS.names())
def test_records_of_earlier_versions_are_controls_where_the_method_selects(name, make, altered):
    record = altered(make(name), {"distilled.selected": None})
    assert "selected" not in record.plain()["distilled"]
    assert is_control(record) == METHODS[name].selects


def test_a_method_that_is_not_installed_is_a_control_only_where_its_record_says_so(make, altered):
    record = make("a_stranger")
    for selected, control in ((None, False), (False, False), (True, True)):
        assert is_control(altered(record, {"distilled.selected": selected})) == control
