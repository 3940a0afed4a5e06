"""What RCIG does around its gradient: optimiser, averages, pool, and what it refuses."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from closeness import assert_close
from torch import nn

from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.importing.choice import family
from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.runs.execute import execute, opened
from ddbench.runs.request import RunRequest
from ddbench.training.recipe import TrainingRecipe

pytestmark = pytest.mark.numerical
Requests = Callable[..., RunRequest]


@pytest.fixture
def request_for(tiny: Requests, tmp_path: Path) -> Requests:
    return lambda *overrides: tiny(tmp_path, "method=rcig", "model.width=8", "ipc=1", *overrides)


def stepped(request: RunRequest, steps: int, after: Callable[[Any], None]) -> Any:
    """The method after some steps; `after` is called after each."""
    with opened(request, quiet=True) as (lab, _):
        method: Any = METHODS["rcig"](Task(request.task, lab), request.method.settings)
        method.begin()
        for i in range(steps):
            method.step(i)
            after(method)
    return method


def test_adabelief_follows_its_formula(room: Callable[[str], ModuleType]) -> None:
    values = [torch.tensor([1.0, -2.0]).double(), torch.tensor(0.0).double()]
    optimiser = room("_adabelief").AdaBelief(
        [{"params": [values[0]]}, {"params": [values[1]], "lr": 0.3}], 0.1
    )
    expected, states = [[1.0, -2.0], [0.0]], [[(0.0, 0.0)] * 2, [(0.0, 0.0)]]
    for step in (1, 2, 3):
        gradients = [[0.5 * step, -1.0], [2.0 / step]]
        for k, rate in enumerate((0.1, 0.3)):
            values[k].grad = torch.tensor(gradients[k], dtype=torch.float64).view_as(values[k])
            for j, g in enumerate(gradients[k]):
                m, s = states[k][j]
                s = 0.999 * s + 0.001 * (g - m) ** 2 + 1e-16
                m = 0.9 * m + 0.1 * g
                states[k][j] = m, s
                spread = (s / (1 - 0.999**step)) ** 0.5 + 1e-16
                expected[k][j] -= rate * m / (1 - 0.9**step) / spread
        optimiser.step()
    for value, wanted in zip(values, expected, strict=True):
        assert_close(value.flatten(), wanted, terms=100, condition=10)


def test_the_set_is_the_average_of_all_iterates_with_decaying_weights(
    request_for: Requests,
) -> None:
    iterates: list[torch.Tensor] = []
    request = request_for("method.average=0.5", "method.iterations=3")
    method = stepped(request, 3, lambda one: iterates.append(one.images.clone()))
    weights = torch.tensor([0.125, 0.25, 0.5]) / 0.875
    expected = sum(w * one for w, one in zip(weights, iterates, strict=True))
    assert_close(method.finish().images, expected, terms=20)


def test_first_update_moves_each_pixel_by_the_rate(request_for: Requests) -> None:
    """As AdaBelief does, whatever the gradient, where there is one."""
    method = stepped(request_for("method.rate=0.01"), 1, lambda _: None)
    change = (method.images - method.start).abs()
    moved = change[change > 0]
    assert len(moved) > 0.9 * change.numel()
    assert float(moved.median()) == pytest.approx(0.01, rel=1e-3)


def test_network_makes_way_once_it_has_had_its_steps(request_for: Requests) -> None:
    request = request_for(
        "method.online_networks=1", "method.online_steps=2", "method.online_visit=1"
    )
    ages: list[int] = []
    stepped(request, 3, lambda method: ages.extend(method.online.ages))
    assert ages == [1, 0, 1]


def test_networks_are_smooth_while_distilling_and_keep_relu_if_asked(
    request_for: Requests,
) -> None:
    for given, kind in (("60", nn.Softplus), ("0", nn.ReLU)):
        method = stepped(request_for(f"method.softplus={given}"), 0, lambda _: None)
        layers = [type(layer) for layer in method.online.networks[0].modules()]
        assert layers.count(kind) == 2
        assert layers.count(nn.Softplus) + layers.count(nn.ReLU) == 2


def test_mirror_images_learn_into_their_images(
    room: Callable[[str], ModuleType],
) -> None:
    rcig, parts = room("rcig"), room("_image_parts")
    images = torch.randn(2, 1, 3, 4).requires_grad_()
    factor = torch.randn(4, 1, 3, 4)
    (whole,) = torch.autograd.grad((parts.with_mirror_images(images) * factor).sum(), images)
    assert torch.equal(rcig.folded_images(factor, 2), whole)
    assert torch.equal(rcig.folded_images(factor, 4), factor)
    targets = torch.tensor([[1.0], [2.0], [10.0], [20.0]])
    assert rcig.folded_targets(targets, 2).tolist() == [[11], [22]]


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (("model=narrow", "model.norm=batch"), "batch norm"),
        (("model=timm_model", "model.architecture=convnext_atto"), "not a linear layer"),
    ],
)
def test_networks_that_cannot_be_linearised_are_skipped_with_the_reason(
    tiny: Requests, tmp_path: Path, model: tuple[str, ...], reason: str
) -> None:
    request = tiny(tmp_path, "method=rcig", *model)
    with opened(request, quiet=True) as (lab, _):
        told = METHODS["rcig"].skip(Task(request.task, lab))
    assert told is not None
    assert reason in told


@pytest.mark.parametrize("images", [10, 100])
def test_students_are_trained_as_on_released_sets(
    room: Callable[[str], ModuleType], images: int
) -> None:
    released = TrainingRecipe.from_plain(family("rcig", "cifar10").evaluation_of(images))
    made = room("rcig").evaluation(images, mirrored=True)
    unused = {"augmentation"}  # neither augments
    assert not made.augment
    assert not released.augment
    for name in made.plain().keys() | released.plain().keys() - unused:
        if name not in unused:
            assert made.plain().get(name) == released.plain().get(name), name


def test_the_set_has_learned_targets(request_for: Requests) -> None:
    outcome = execute(request_for("protocols=[paper]"), quiet=True)
    distilled = DistilledSet.load(outcome.folder / "distilled.safetensors")
    assert distilled.soft_label_kind == "targets"
    assert distilled.evaluation is not None
    assert not distilled.evaluation.mirrored
