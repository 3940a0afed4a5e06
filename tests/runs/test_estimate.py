"""The cost of the published computation follows from the rates of a smaller run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ddbench.records.cost import DATA, DISTIL, SCORE, Phase, PhaseCost
from ddbench.runs.estimate import paper_seconds
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest

COSTS = {
    phase: PhaseCost(seconds)
    for phase, seconds in {
        DATA: 1.0,
        Phase("teacher", "made"): 10.0,
        DISTIL: 100.0,
        Phase("label-teacher", "scored"): 1000.0,
        SCORE: 10000.0,
    }.items()
}


def test_each_phase_of_apm_is_stretched_by_its_images(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    """By hand from table A9: 100 teachers of 100 epochs, 2500 updates, students of 251 epochs."""
    request = tiny(tmp_path, "method=apm", "budget=short")
    with opened(request, quiet=True) as (lab, _):
        estimate = paper_seconds(request, lab, COSTS)
    teachers = 10.0 * (100 * 100) / (5 * 60)
    distil = 100.0 * 2500 * (251 / 3 + 6) / (120 * (51 / 3 + 6))
    labels = 1000.0 * 100 / 50  # 300 steps at least, of 6 an epoch, were 50 epochs
    score = 10000.0 * (5 / 3) / 0.2
    assert estimate == pytest.approx(1.0 + teachers + distil + labels + score)


def test_random_costs_its_scoring_alone(tiny: Callable[..., RunRequest], tmp_path: Path) -> None:
    request = tiny(tmp_path, "method=random")
    with opened(request, quiet=True) as (lab, _):
        estimate = paper_seconds(request, lab, {SCORE: PhaseCost(1.0)})
    assert estimate == pytest.approx(5 / 0.02)
