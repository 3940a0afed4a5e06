"""What the accuracy evaluator says about results that should make a reader stop."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ddbench.records.measurement import Measurement
from ddbench.records.report import accuracy_table
from ddbench.scoring.protocols import PROTOCOLS
from ddbench.scoring.registry import EVALUATORS
from ddbench.scoring.training_sets import NotScorable
from ddbench.training.budget import Budget


class Finished(SimpleNamespace):
    """A finished run of ten classes whose scores are given."""

    protocols = (PROTOCOLS["hard"],)
    budget = Budget(networks=2)
    split = "test"
    whole = False
    distilled = SimpleNamespace(classes=10)

    @property
    def subjects(self) -> dict[str, None]:
        return dict.fromkeys(self.given)

    def training_set(self, subject: str, protocol: Any) -> Any:
        if self.given[subject] is None:
            raise NotScorable("it lacks a label")
        return SimpleNamespace(regime="class ids")

    def scores(self, subject: str, protocol: Any) -> list[Any]:
        return [
            SimpleNamespace(accuracy=accuracy, diverged=accuracy == 0.1)
            for accuracy in self.given[subject]
        ]


def measured(**scores: Any) -> list[Measurement]:
    evaluator = EVALUATORS["accuracy"](EVALUATORS["accuracy"].Settings())
    return evaluator.evaluate(Finished(given=scores))  # type: ignore[arg-type]


def test_difference_is_taken_network_by_network() -> None:
    *_, difference = measured(method=[0.7, 0.9], control=[0.6, 0.5])
    assert difference.values == pytest.approx((0.1, 0.4))
    assert difference.value == pytest.approx(0.25)
    assert (difference.coordinates["subject"], difference.coordinates["control"]) == (
        "method",
        "control",
    )
    assert difference.note == ""


def test_set_below_its_control_is_flagged() -> None:
    measurements = measured(method=[0.5, 0.5], control=[0.6, 0.5])
    assert measurements[-1].note == "method is below control under hard/1"
    assert "note: method is below control under hard/1" in accuracy_table(measurements)


def test_result_near_chance_and_diverged_networks_are_flagged() -> None:
    first, *_ = measured(method=[0.1, 0.11], control=[0.6, 0.5])
    assert "method under hard/1 is near chance (10.0%)" in first.note
    assert "1 of 2 networks of method under hard/1 diverged" in first.note


def test_set_that_cannot_be_scored_says_why() -> None:
    first, second = measured(method=None, control=[0.6, 0.5])
    assert (first.value, first.note) == (None, "it lacks a label")
    assert second.value == pytest.approx(0.55)
    assert "note: it lacks a label" in accuracy_table([first, second])
