"""DATM's gradients against a full unroll, and its window, labels and initial images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from agreements import (
    Given,
    all_that_datm_learns_moves_by_momentum,
    soft_student,
    students_start_within_the_window,
    window_moves_on,
)

from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.importing.choice import family
from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.errors import UserError
from ddbench.runs.execute import execute, opened
from ddbench.runs.request import RunRequest
from ddbench.training.recipe import TrainingRecipe

pytestmark = pytest.mark.numerical


@pytest.fixture(scope="module")
def soft(room: Callable[[str], ModuleType]) -> ModuleType:
    return room("_soft_students")


@pytest.fixture
def request_for(tiny: Callable[..., RunRequest], tmp_path: Path) -> Callable[..., RunRequest]:
    return lambda *overrides: tiny(tmp_path, "method=datm", "model.width=8", *overrides)


@pytest.mark.parametrize("gradient", ["unrolled_gradient", "recomputed_gradient"])
def test_gradients_for_images_labels_and_rate_are_those_of_a_full_unroll(
    given: Given, gradient: str
) -> None:
    found, check = soft_student(given, gradient)
    check(found)


def test_end_of_the_window_moves_on_and_then_stays(given: Given) -> None:
    window_moves_on(given)


def test_students_start_within_the_window(given: Given) -> None:
    students_start_within_the_window(given)


def test_images_labels_and_rate_move_by_momentum_but_for_losses_above_the_limit(
    given: Given,
) -> None:
    all_that_datm_learns_moves_by_momentum(given)


def test_window_without_an_epoch_is_refused(request_for: Callable[..., RunRequest]) -> None:
    with pytest.raises(UserError, match=r"max_start_epoch=2: must be above min_start_epoch=2"):
        request_for("method.min_start_epoch=2", "method.max_start_epoch=2")


def test_images_are_the_first_that_an_expert_predicts_right(soft: ModuleType) -> None:
    candidates = torch.arange(10)
    by_expert = [
        lambda positions: positions % 4 == 1,  # 1, 5, 9
        lambda positions: positions % 2 == 0,  # 0, 2, 4, …
    ]
    assert soft.first_right(candidates, 2, by_expert).tolist() == [1, 5]
    assert soft.first_right(candidates, 5, by_expert, batch=3).tolist() == [1, 5, 9, 0, 2]
    assert soft.first_right(candidates, 10, by_expert).tolist() == [1, 5, 9, 0, 2, 4, 6, 8, 3, 7]


def test_labels_are_means_over_the_experts_that_are_right(soft: ModuleType) -> None:
    logits = torch.tensor([[[2.0, 0.0], [0.0, 1.0]], [[4.0, 0.0], [0.0, 3.0]], [[0.0, 9.0]] * 2])
    found = soft.mean_right_logits(list(logits), torch.tensor([0, 0]))
    expected = logits[:2, 0].mean(0), logits[:, 1].mean(0)  # of the second image none is right
    assert torch.allclose(found, torch.stack(expected))


def test_groups_start_from_disjoint_images_that_an_expert_predicts_right(
    request_for: Callable[..., RunRequest],
) -> None:
    chosen = []
    for group in (0, 1):
        request = request_for(
            "ipc=2", f"group={group}", "method.trajectory_epochs=20", "method.experts=1",
            "method.trajectory_epoch_steps=0", "method.trajectory_rate=0.1",
        )  # fmt: skip
        with opened(request, quiet=True) as (lab, _):
            method: Any = METHODS["datm"](Task(request.task, lab), request.method.settings)
            method.begin()
            predicted = method.pool[0](method.images).argmax(1)
            assert torch.equal(predicted, method.labels)
            assert torch.equal(method.targets.argmax(1), method.labels)
            chosen.append({tuple(image.flatten().tolist()) for image in method.images})
    assert len(chosen[0]) == len(chosen[1]) == 20
    assert not chosen[0] & chosen[1]


def test_student_that_went_too_far_changes_nothing(
    request_for: Callable[..., RunRequest],
) -> None:
    request = request_for("ipc=1")
    for limit, moves in ((1e-9, False), (1e9, True)):
        settings = replace(request.method.settings, loss_limit=limit, step_size_rate=1e-3)
        with opened(request, quiet=True) as (lab, _):
            method: Any = METHODS["datm"](Task(request.task, lab), settings)
            method.begin()
            before = [method.images, method.targets, method.step_size]
            method.step(0)
            after = [method.images, method.targets, method.step_size]
        moved = [not torch.equal(a, b) for a, b in zip(before, after, strict=True)]
        assert moved == [moves] * 3


def test_students_are_trained_as_on_released_sets(
    request_for: Callable[..., RunRequest],
) -> None:
    outcome = execute(request_for("protocols=[paper]"), quiet=True)
    distilled = DistilledSet.load(outcome.folder / "distilled.safetensors")
    released = TrainingRecipe.from_plain(family("datm", "cifar10").evaluation_of(100))
    assert distilled.soft_label_kind == "logits"
    assert distilled.soft_labels is not None
    assert F.softmax(distilled.soft_labels, 1).isfinite().all()
    assert distilled.evaluation is not None
    rate = distilled.evaluation.learning_rate
    assert distilled.evaluation.plain() == replace(released, learning_rate=rate).plain()
