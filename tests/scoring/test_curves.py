"""A curve belongs to the scored student: it ends at the score, interrupted or not."""

from __future__ import annotations

import dataclasses
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from ddbench.distilling.loop import distil
from ddbench.errors import StopRequested
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest
from ddbench.scoring.curves import KIND, curve_epochs, curve_of_student
from ddbench.scoring.finished_run import FinishedRun
from ddbench.scoring.protocols import PROTOCOLS
from ddbench.scoring.students import accuracy_of, begin_student
from ddbench.training.loop import Training
from ddbench.training.recipe import SnapshotFormat

POINTS = 5


@pytest.fixture(scope="module")
def run(
    tiny: Callable[..., RunRequest], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[FinishedRun]:
    """Random's images at two per class, with the test split unlocked."""
    request = tiny(tmp_path_factory.mktemp("curves"), "method=random", "model.width=8", "ipc=2")
    with opened(request, quiet=True) as (lab, _):
        made = distil(request.method, request.task, lab).distilled
        protocols = tuple(PROTOCOLS.values())
        with lab.dataset.scoring():
            yield FinishedRun(request.task, request.budget, protocols, {"random": made}, False, lab)


@pytest.mark.parametrize(
    ("epochs", "points", "expected"),
    [
        (200, 12, (1, 2, 3, 4, 7, 11, 18, 29, 47, 76, 124, 200)),
        (10, 3, (1, 3, 10)),
        (3, 12, (1, 2, 3)),
        (1, 12, (1,)),
    ],
)
def test_points_are_in_equal_ratios_and_the_last_is_the_end(
    epochs: int, points: int, expected: tuple[int, ...]
) -> None:
    assert curve_epochs(epochs, points) == expected


@pytest.mark.parametrize("name", ["hard", "soft", "kd", "noaug"])
def test_last_point_is_the_score(name: str, run: FinishedRun) -> None:
    (score,) = run.scores("random", PROTOCOLS[name])
    (curve,) = run.curves("random", PROTOCOLS[name], POINTS)
    assert curve.accuracies[-1] == score.accuracy
    assert len(curve.accuracies) == len(curve.epochs)
    assert curve.key != score.key


def test_point_is_the_student_of_the_same_recipe_stopped_there(run: FinishedRun) -> None:
    learnt, lab = run.training_set("random", PROTOCOLS["hard"]), run.lab
    (curve,) = run.curves("random", PROTOCOLS["hard"], POINTS)
    training = begin_student(lab, learnt, 0)
    for epochs, accuracy in zip(curve.epochs, curve.accuracies, strict=True):
        while training.epoch < epochs:
            training.network.train()
            training.step()
        assert accuracy_of(training.network, lab.data.scored) == accuracy


def test_steps_images_and_seconds_grow_with_epochs(run: FinishedRun) -> None:
    (curve,) = run.curves("random", PROTOCOLS["hard"], POINTS)
    assert curve.steps_at == curve.epochs  # twenty images are one batch
    assert curve.images_at == tuple(20 * epoch for epoch in curve.epochs)
    shares = [seconds / curve.seconds for seconds in curve.seconds_at]
    assert shares == pytest.approx([epoch / curve.epochs[-1] for epoch in curve.epochs])
    assert 0 < curve.seconds <= curve.cost["wall_seconds"]


def test_curve_is_found_again_and_its_cost_is_that_of_scoring(run: FinishedRun) -> None:
    first = run.curves("random", PROTOCOLS["hard"], POINTS)
    assert run.curves("random", PROTOCOLS["hard"], POINTS) == first
    assert run.scored[first[0].key] == first[0]
    (fewer,) = run.curves("random", PROTOCOLS["hard"], 2)
    assert fewer.key != first[0].key
    assert fewer.accuracies[-1] == first[0].accuracies[-1]


def test_recipe_of_half_precision_snapshots_is_tested_as_it_was_trained(run: FinishedRun) -> None:
    learnt = run.training_set("random", PROTOCOLS["hard"])
    half = dataclasses.replace(learnt.recipe, snapshot_format=SnapshotFormat.float16)
    learnt = dataclasses.replace(learnt, recipe=half)
    curve = curve_of_student(run.lab, learnt, PROTOCOLS["hard"], 0, "curve", POINTS)
    (own,) = run.curves("random", PROTOCOLS["hard"], POINTS)
    assert curve.accuracies == own.accuracies


@pytest.mark.parametrize("name", ["hard", "kd"])
def test_stopped_curve_goes_on_to_the_same_points(
    name: str,
    tiny: Callable[..., RunRequest],
    run: FinishedRun,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    learnt = run.training_set("random", PROTOCOLS[name])
    (expected,) = run.curves("random", PROTOCOLS[name], POINTS)
    step, taken = Training.step, 0

    def stop_once(self: Training) -> Any:
        nonlocal taken
        taken += 1
        if taken == 8:
            raise StopRequested(signal.SIGINT)
        return step(self)

    request = tiny(tmp_path, "method=random", "model.width=8", "ipc=2")
    monkeypatch.setattr(Training, "step", stop_once)
    arguments = (learnt, PROTOCOLS[name], 0, "curve", POINTS)
    with opened(request, quiet=True) as (lab, _), lab.dataset.scoring():
        with pytest.raises(StopRequested):
            curve_of_student(lab, *arguments)
        curve = curve_of_student(lab, *arguments)
        assert lab.runtime.store.by_key(KIND, curve.key) is not None
    assert taken == learnt.recipe.epochs + 1  # each epoch is one step, and one was stopped
    assert curve.accuracies == expected.accuracies


def test_snapshots_leave_the_student_as_it_is(run: FinishedRun) -> None:
    learnt = run.training_set("random", PROTOCOLS["soft"])
    kept = dataclasses.replace(learnt.recipe, snapshot_epochs=(1, learnt.recipe.epochs))
    plain, watched = (
        begin_student(run.lab, dataclasses.replace(learnt, recipe=recipe), 0)
        for recipe in (learnt.recipe, kept)
    )
    plain.run()
    watched.run()
    weights = plain.network.state_dict()
    assert all(torch.equal(v, weights[n]) for n, v in watched.network.state_dict().items())
