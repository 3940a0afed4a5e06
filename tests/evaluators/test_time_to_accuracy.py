"""How soon curves that are given reach a target, and what is said where they never do."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ddbench.errors import UserError
from ddbench.records.measurement import Measurement
from ddbench.scoring.curves import Curve
from ddbench.scoring.protocols import PROTOCOLS
from ddbench.scoring.registry import EVALUATORS
from ddbench.scoring.training_sets import NotScorable

EPOCHS = (1, 3, 10)


def curve(seconds: float, *accuracies: float) -> Curve:
    return Curve(EPOCHS, accuracies, seconds, 2, 100, {}, "0" * 8, False)


GIVEN = {
    # The mean over networks at the points is 0.3, 0.5, 0.6.
    "own": [curve(10.0, 0.4, 0.5, 0.6), curve(20.0, 0.2, 0.5, 0.6)],
    # 0.2, 0.6, 0.8: the targets are shares of 0.8.
    "beside": [curve(10.0, 0.1, 0.5, 0.8), curve(10.0, 0.3, 0.7, 0.8)],
}


class Finished(SimpleNamespace):
    """A finished run whose curves are given; None stands for a set that cannot be scored."""

    protocols = (PROTOCOLS["hard"],)
    split = "test"
    device_name = "a processor"
    given: Any = GIVEN

    @property
    def subjects(self) -> dict[str, None]:
        return dict.fromkeys(self.given)

    def curves(self, subject: str, protocol: Any, points: int) -> list[Curve]:
        if self.given[subject] is None:
            raise NotScorable("it lacks a label")
        return self.given[subject]  # type: ignore[no-any-return]


def evaluator(**settings: Any) -> Any:
    cls = EVALUATORS["time_to_accuracy"]
    return cls(cls.Settings(**settings))


def measured(given: Any = GIVEN, **settings: Any) -> list[Measurement]:
    return evaluator(**settings).evaluate(Finished(given=given))  # type: ignore[no-any-return]


def reached(measurements: list[Measurement], metric: str, subject: str) -> dict[float, Any]:
    return {
        float(m.coordinates["share_of_control"]): m
        for m in measurements
        if m.metric == metric and m.coordinates["subject"] == subject
    }


def test_target_is_reached_where_the_mean_over_networks_first_is_as_large() -> None:
    found = measured(targets=[0.25, 0.5, 0.75])
    steps = reached(found, "steps_to_accuracy", "own")
    assert {share: m.value for share, m in steps.items()} == {0.25: 2, 0.5: 6, 0.75: 20}


def test_seconds_are_those_of_training_by_the_share_of_its_steps() -> None:
    seconds = reached(measured(targets=[0.5]), "time_to_accuracy", "own")[0.5]
    assert seconds.values == pytest.approx((10 * 3 / 10, 20 * 3 / 10))
    assert seconds.value == pytest.approx(4.5)
    assert seconds.coordinates["on"] == "a processor"


def test_target_that_is_never_reached_has_no_time_and_a_note() -> None:
    found = measured(targets=[1.0])
    for metric in ("time_to_accuracy", "steps_to_accuracy"):
        one = reached(found, metric, "own")[1.0]
        assert (one.value, one.values) == (None, ())
        assert one.note == "own does not reach 100% of the accuracy of beside under hard/1"


def test_control_reaches_its_own_last_accuracy_at_its_end() -> None:
    steps = reached(measured(), "steps_to_accuracy", "beside")
    assert {share: m.value for share, m in steps.items()} == {0.5: 6, 0.75: 6, 0.9: 20, 1.0: 20}


def test_every_point_is_measured() -> None:
    points = [m for m in measured() if m.metric == "accuracy_after"]
    own = [m for m in points if m.coordinates["subject"] == "own"]
    assert [m.value for m in own] == pytest.approx([0.3, 0.5, 0.6])
    assert own[0].values == (0.4, 0.2)
    places = [[m.coordinates[name] for name in ("epochs", "steps", "images_seen")] for m in own]
    assert places == [[1, 2, 100], [3, 6, 300], [10, 20, 1000]]


@pytest.mark.parametrize(("lacking", "known"), [("own", "beside"), ("beside", "own")])
def test_set_that_cannot_be_scored_says_why(lacking: str, known: str) -> None:
    found = measured({**GIVEN, lacking: None})
    note = f"{lacking} under hard/1: it lacks a label"
    unknown = [m for m in found if m.value is None]
    assert {m.note for m in unknown} == {note}
    curves = {m.coordinates["subject"] for m in found if m.metric == "accuracy_after" and m.values}
    assert curves == {known}
    # The control alone has its own target; without it there is none for the set either.
    timed = {m.coordinates["subject"] for m in found if m.metric == "steps_to_accuracy" and m.value}
    assert timed == ({"beside"} if known == "beside" else set())


def test_run_without_a_control_is_skipped() -> None:
    alone = Finished(given={"own": GIVEN["own"]})
    assert "control=random" in evaluator().skip(alone)
    assert evaluator().skip(Finished()) is None


@pytest.mark.parametrize("targets", [[], [0.0], [-1.0]])
def test_targets_that_are_no_shares_are_refused(targets: list[float]) -> None:
    with pytest.raises(UserError, match="shares of the control's accuracy"):
        evaluator(targets=targets)


def test_curves_are_drawn_over_images_seen_in_a_panel_for_each_protocol() -> None:
    figure = evaluator().figure(measured())
    (axes,) = figure.axes
    assert (axes.get_xscale(), axes.get_xlabel()) == ("log", "images seen")
    assert axes.get_title() == "hard/1"
    (legend,) = figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["own", "beside"]
    assert evaluator().figure([]) is None
