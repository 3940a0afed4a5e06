"""The learned step size stays above 0, whatever the data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.runs.compose import request_of
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest

TRAJECTORY_METHODS = ("ftd", "mtt", "tesla")
PUBLISHED = [
    ("mtt", "cifar10"), ("mtt", "cifar100"), ("mtt", "tinyimagenet"), ("ftd", "cifar10"),
    ("ftd", "cifar100"), ("ftd", "tinyimagenet"), ("tesla", "cifar10"), ("tesla", "cifar100"),
    ("tesla", "imagenet64"),
]  # fmt: skip


@pytest.fixture(scope="module")
def step_size(room: Callable[[str], ModuleType]) -> ModuleType:
    return room("_step_size")


def moved(step_size: ModuleType, form: str, start: float, *gradients: float, rate: float) -> Tensor:
    value, velocity = torch.tensor(start), torch.tensor(0.0)
    for gradient in gradients:
        value, velocity, _ = step_size.moved_step_size(
            value, velocity, torch.tensor(gradient), step_size.StepSizeForm[form], rate, 0.5
        )
    result: Tensor = value
    return result


def test_plain_form_is_sgd_with_momentum(step_size: ModuleType) -> None:
    found = moved(step_size, "plain", 0.01, 100.0, -40.0, rate=1e-5)
    assert float(found) == pytest.approx(0.01 - 1e-5 * 100 - 1e-5 * (50 - 40), rel=1e-5)


def test_log_form_moves_the_logarithm_along_its_own_gradient(step_size: ModuleType) -> None:
    found = moved(step_size, "log", 0.01, 50.0, rate=0.1)
    assert float(found) == pytest.approx(0.01 * math.exp(-0.1 * 0.01 * 50), rel=1e-5)


@pytest.mark.parametrize("form", ["plain", "log"])
@pytest.mark.parametrize("size", [5.8e3, 1e9, 1e30])
def test_no_gradient_takes_the_step_size_to_zero_or_below(
    step_size: ModuleType, form: str, size: float
) -> None:
    """The first size once stopped MTT on image folders: .01 - 1e-5 * 5800 = -.048."""
    found = moved(step_size, form, 0.01, size, size, rate=1e-5 if form == "plain" else 0.1)
    assert 0 < float(found) < 0.01


def test_log_form_changes_little_in_one_update(step_size: ModuleType) -> None:
    for gradient in (1e30, -1e30):
        found = moved(step_size, "log", 0.01, *[gradient] * 20, rate=0.1)
        assert abs(math.log(float(found) / 0.01)) <= 20 * 0.1 / (1 - 0.5)


@pytest.mark.parametrize(("method", "dataset"), PUBLISHED)
@pytest.mark.parametrize("budget", ["paper", "short", "smoke"])
def test_published_recipes_keep_the_published_form(method: str, dataset: str, budget: str) -> None:
    settings = request_of(
        [f"method={method}", f"dataset={dataset}", f"budget={budget}"]
    ).method.settings
    assert settings.step_size_form.name == "plain"
    assert "step_size_form" not in settings.plain()  # so keys are those of earlier versions
    assert settings.step_size_rate <= 1e-4


@pytest.mark.parametrize("method", TRAJECTORY_METHODS)
@pytest.mark.parametrize("dataset", ["image_folder", "fashion_mnist"])
def test_data_without_a_recipe_has_the_log_form(method: str, dataset: str) -> None:
    settings = request_of([f"method={method}", f"dataset={dataset}"]).method.settings
    assert (settings.plain()["step_size_form"], settings.step_size_rate) == ("log", 0.1)
    assert settings.image_rate == 10


@pytest.mark.parametrize("method", TRAJECTORY_METHODS)
@pytest.mark.parametrize("dataset", ["digits", "mnist5k", "random_pixels"])
def test_data_that_had_the_published_image_rate_keep_it(method: str, dataset: str) -> None:
    """Keys contain the settings, so the keys of earlier runs stay the same."""
    choice = request_of([f"method={method}", f"dataset={dataset}", "budget=paper"]).method
    assert choice.settings.plain()["image_rate"] == 1000


def test_another_network_on_a_dataset_with_a_recipe_goes_on(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    """A first gradient that would make the step size negative halves it."""
    request = tiny(tmp_path, "method=mtt", "model.width=8", "method.step_size_rate=10")
    with opened(request, quiet=True) as (lab, _):
        method: Any = METHODS["mtt"](Task(request.task, lab), request.method.settings)
        method.begin()
        method.step(0)
    assert float(method.step_size) == pytest.approx(0.005)
    assert torch.equal(method.images, method.start)  # so far a student says nothing about them


def test_log_form_begins_with_the_largest_half_that_keeps_the_first_student_near(
    tiny: Callable[..., RunRequest], room: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    request = tiny(
        tmp_path, "method=mtt", "model.width=8", "method.step_size=3", "method.step_size_form=log"
    )
    with opened(request, quiet=True) as (lab, _):
        method: Any = METHODS["mtt"](Task(request.task, lab), request.method.settings)
        method.begin()
        student, _ = method.student_of(0)
    walked = room("_trajectory_matching").walked_loss
    twice = replace(student, step_size=2 * student.step_size)
    assert walked(student) <= 1.1 < walked(twice)


def test_divergence_names_a_step_size_that_would_have_worked(
    tiny: Callable[..., RunRequest], room: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    request = tiny(tmp_path, "method=mtt", "model.width=8", "method.step_size=1e12")
    with opened(request, quiet=True) as (lab, _):
        method: Any = METHODS["mtt"](Task(request.task, lab), request.method.settings)
        method.begin()
        student = method.student(0, 0, 0, method.targets)
        with pytest.raises(FloatingPointError, match=r"step 0: .*method.step_size=") as told:
            method.step(0)
    smaller = float(str(told.value).partition("method.step_size=")[2].split()[0])
    found = room("_trajectory_matching").walked_loss(
        replace(student, step_size=torch.tensor(smaller))
    )
    assert found <= 1
