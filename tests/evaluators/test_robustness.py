"""What the evaluators of robustness make of accuracies that are given."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ddbench.records.measurement import Measurement
from ddbench.scoring.registry import EVALUATORS
from ddbench.scoring.training_sets import NotScorable
from ddbench.training.budget import Budget

ACCURACIES = {
    ("apm", "hard"): (0.50, 0.52),
    ("apm", "paper"): (0.60, 0.64),
    ("apm", "soft"): (0.70, 0.72),
    ("apm", "noaug"): (0.40, 0.42),
    ("random", "hard"): (0.30, 0.32),
    ("random", "paper"): (0.41, 0.43),
    ("random", "soft"): (0.45, 0.47),
    ("random", "noaug"): (0.35, 0.37),
}


class Finished(SimpleNamespace):
    """A finished run whose accuracies are given; a missing one cannot be scored."""

    budget = Budget(networks=2)
    split = "test"
    whole = (0.80, 0.82)

    @property
    def subjects(self) -> dict[str, None]:
        return dict.fromkeys(name for name, _ in self.accuracies)

    def scores(self, subject: str, protocol: Any) -> list[Any]:
        if (subject, protocol.name) not in self.accuracies:
            raise NotScorable("the set names no published evaluation")
        values = self.accuracies[subject, protocol.name]
        return [SimpleNamespace(accuracy=accuracy) for accuracy in values]

    def score_whole(self, index: int) -> Any:
        return SimpleNamespace(accuracy=self.whole[index])


def evaluator(name: str) -> Any:
    return EVALUATORS[name](EVALUATORS[name].Settings())


def measured(name: str, accuracies: Any = ACCURACIES, **others: Any) -> dict[Any, Measurement]:
    run = Finished(accuracies=accuracies, **others)
    found = evaluator(name).evaluate(run)
    return {(one.metric, one.coordinates["subject"]): one for one in found}


def test_label_metrics_are_the_formulas_of_mean_accuracies() -> None:
    found = measured("label_robustness")
    expected = {
        ("whole_accuracy", "whole"): 0.81,
        ("hard_label_recovery_gap", "apm"): 0.81 - 0.51,
        ("improvement_over_random", "apm"): 0.62 - 0.42,
        ("normalised_improvement", "apm"): 0.20 / (0.81 - 0.42),
        ("label_robust_score", "apm"): 0.2481915,
        ("label_attribution", "apm"): 0.71 - 0.51,
        ("label_attribution", "random"): 0.46 - 0.31,
    }
    values = {place: one.value for place, one in found.items()}
    assert values == pytest.approx(expected, abs=1e-7)
    assert found["improvement_over_random", "apm"].values == pytest.approx((0.19, 0.21))
    assert found["hard_label_recovery_gap", "apm"].values == pytest.approx((0.31, 0.29))
    assert found["label_robust_score", "apm"].coordinates["protocols"] == "paper/1 hard/1"


def test_share_of_a_gap_that_hardly_exists_is_undefined() -> None:
    share = measured("label_robustness", whole=(0.42, 0.43))["normalised_improvement", "apm"]
    assert share.value is None
    assert "less than 2% better" in share.note


def test_set_without_a_published_evaluation_keeps_what_needs_none() -> None:
    foreign = {place: values for place, values in ACCURACIES.items() if place[1] != "paper"}
    found = measured("label_robustness", foreign)
    assert found["hard_label_recovery_gap", "apm"].value == pytest.approx(0.30)
    for metric in ("improvement_over_random", "normalised_improvement", "label_robust_score"):
        assert found[metric, "apm"].value is None
        assert found[metric, "apm"].note == f"{metric}: the set names no published evaluation"


def test_augmentation_metrics_are_the_formulas_of_mean_accuracies() -> None:
    run = Finished(accuracies=ACCURACIES)
    augmented, plain, score = evaluator("augmentation_robustness").evaluate(run)
    assert augmented.value == pytest.approx(0.20)
    assert plain.value == pytest.approx(0.05)
    assert score.value == pytest.approx(0.3255906, abs=1e-7)  # the map of .125
    assert (augmented.coordinates["protocols"], plain.coordinates["protocols"]) == (
        "hard/1",
        "noaug/1",
    )


@pytest.mark.parametrize("name", ["label_robustness", "augmentation_robustness"])
def test_run_without_a_control_is_skipped_and_one_with_it_is_drawn(name: str) -> None:
    alone = {place: values for place, values in ACCURACIES.items() if place[0] == "apm"}
    assert "control=random" in evaluator(name).skip(Finished(accuracies=alone))
    run = Finished(accuracies=ACCURACIES)
    assert evaluator(name).skip(run) is None
    figure = evaluator(name).figure(evaluator(name).evaluate(run))
    assert [axes.get_xlabel() for axes in figure.axes] == [
        "difference of accuracy in percentage points",
        f"{'LRS' if name.startswith('label') else 'ARS'}, 0 to 1",
    ]
    assert evaluator(name).figure([]) is None
