"""The scores of DD-Ranking: golden values, and agreement with the package where it is right."""

from __future__ import annotations

import importlib
import importlib.util
import math
import re
from pathlib import Path

import pytest

from ddbench.scoring.registry import EVALUATORS

robustness = importlib.import_module(f"{EVALUATORS.package}._dd_ranking")
ACCURACIES = {"whole": 0.81, "hard": 0.51, "own": 0.62, "random": 0.42}


@pytest.mark.parametrize(("a", "score"), [(0, 0.26894), (1, 1), (-1, 0)])
def test_map_of_differences_has_its_golden_values(a: float, score: float) -> None:
    assert robustness.unit_score(a) == pytest.approx(score, abs=5e-6)


def test_label_robust_score_of_twenty_points_above_random_and_thirty_below_the_whole() -> None:
    assert robustness.label_robust_score(0.20, 0.30) == pytest.approx(0.24819, abs=5e-6)


def test_weights_choose_between_the_two_differences() -> None:
    assert robustness.label_robust_score(0.2, 0.3, 1) == robustness.unit_score(0.2)
    assert robustness.label_robust_score(0.2, 0.3, 0) == robustness.unit_score(-0.3)
    assert robustness.augmentation_robust_score(0.2, 0.1, 1) == robustness.unit_score(0.2)
    assert robustness.augmentation_robust_score(0.2, 0.1, 0) == robustness.unit_score(0.1)


def test_normalised_improvement_is_undefined_where_the_whole_set_is_hardly_better() -> None:
    assert robustness.normalised_improvement(0.6, 0.5, 0.7) == pytest.approx(0.5)
    assert robustness.normalised_improvement(0.6, 0.5, 0.51) is None
    assert robustness.normalised_improvement(0.6, 0.5, 0.4) is None


def test_recovery_gap_and_label_attribution_have_their_signs() -> None:
    assert robustness.hard_label_recovery_gap(0.8, 0.5) == pytest.approx(0.3)
    assert robustness.label_attribution(0.7, 0.5) == pytest.approx(0.2)


# The formulas of ddranking 0.2.0, evaluated on fractions: hlr .30, ior .20; .11 and .05.
def test_scores_are_those_that_the_package_gives_on_fractions() -> None:
    assert label_score() == pytest.approx(0.2481915, abs=5e-8)
    assert robustness.augmentation_robust_score(0.11, 0.05) == pytest.approx(0.3043767, abs=5e-8)


def label_score() -> float:
    return robustness.label_robust_score(
        robustness.improvement_over_random(ACCURACIES["own"], ACCURACIES["random"]),
        robustness.hard_label_recovery_gap(ACCURACIES["whole"], ACCURACIES["hard"]),
    )


@pytest.fixture
def metrics() -> Path:
    """The folder of the package's metrics, whose import would need all that it depends on."""
    found = importlib.util.find_spec("ddranking")
    if found is None or found.origin is None:
        pytest.skip("ddranking is not installed")
    return Path(found.origin).parent / "metrics"


def formulas(file: Path, names: list[str], known: dict[str, float]) -> dict[str, float]:
    """Evaluate a file's assignments to some names, in their order."""
    import numpy as np

    values: dict[str, float] = dict(known)
    for name, expression in re.findall(r"^ +(\w+) = (.*)$", file.read_text(), re.MULTILINE):
        if name in names:
            values[name] = eval(expression, {"np": np, **values})
    return values


@pytest.mark.parametrize("unit", [1, 100])
def test_package_agrees_on_fractions_and_leaves_the_unit_interval_on_percentages(
    unit: int, metrics: Path
) -> None:
    known = {
        "full_data_hard_label_acc": ACCURACIES["whole"] * unit,
        "syn_data_hard_label_acc": ACCURACIES["hard"] * unit,
        "syn_data_soft_label_acc": ACCURACIES["own"] * unit,
        "random_data_soft_label_acc": ACCURACIES["random"] * unit,
        "lrs_lambda": 0.5,
    }
    theirs = formulas(metrics / "soft_label.py", ["hlr", "ior", "alpha", "lrs"], known)["lrs"]
    known = {"with_aug_score": 0.11 * unit, "without_aug_score": 0.05 * unit, "ars_lambda": 0.5}
    augmented = formulas(metrics / "aug_robust.py", ["beta", "ars"], known)["ars"]
    if unit == 1:
        assert theirs == pytest.approx(label_score())
        assert augmented == pytest.approx(robustness.augmentation_robust_score(0.11, 0.05))
    else:
        assert theirs < 0
        assert augmented > 1
        assert math.isfinite(augmented)
