"""FRePo's loss and gradients against a naive calculation, and the rules of its pool."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from closeness import assert_agrees, assert_close, summed_terms
from naive import regression_loss
from torch import Tensor, nn

from ddbench.data.augmentation.choices import Augmentation
from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.importing.choice import family
from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.errors import UserError
from ddbench.models.model import Model
from ddbench.models.spec import ModelSpec
from ddbench.runs.execute import execute, opened
from ddbench.runs.request import RunRequest
from ddbench.runtime.randomness import RandomStream
from ddbench.training.recipe import TrainingRecipe

pytestmark = pytest.mark.numerical


@pytest.fixture(scope="module")
def frepo(room: Callable[[str], ModuleType]) -> ModuleType:
    return room("frepo")


@pytest.fixture
def request_for(tiny: Callable[..., RunRequest], tmp_path: Path) -> Callable[..., RunRequest]:
    return lambda *overrides: tiny(tmp_path, "method=frepo", "model.width=8", "ipc=1", *overrides)


@pytest.mark.parametrize("part", [2, 100])
@pytest.mark.parametrize("mirrored", [False, True])
def test_loss_and_gradients_equal_those_of_the_inverse_in_float64(
    frepo: ModuleType,
    small_network: Callable[..., Model],
    small_images: Callable[..., Tensor],
    mirrored: bool,
    part: int,
) -> None:
    """Five distilled and four real images of three classes; one margin is below its limit."""
    network, images, real = (
        small_network().requires_grad_(False),
        small_images(5),
        small_images(4, seed=1),
    )
    targets = torch.tensor([0, 1, 2, 0, 1])
    targets = nn.functional.one_hot(targets, 3).double() - 1 / 3
    targets[0] = targets.new_tensor([0.1, 0.05, -0.2])
    wanted = nn.functional.one_hot(torch.tensor([2, 1, 0, 0]), 3).double() - 1 / 3
    ridge = 1e-3
    found = frepo.regression_gradient(
        network.features, images, targets, (real, wanted), ridge, mirrored, part
    )

    def naive() -> tuple[Tensor, ...]:
        leaves = [images.clone().requires_grad_(), targets.clone().requires_grad_()]
        loss = regression_loss(*leaves, real, wanted, network.features, ridge, mirrored)
        return loss.detach(), *torch.autograd.grad(loss, leaves)

    # Forward, backward with two more sums per norm, twice through the solution, and the sums over
    # features, images and classes.
    features = network.features(images).shape[1]
    terms = 3 * summed_terms(network, images) + 2 * (features + 2 * 10) + 4 * 3
    assert_agrees(
        found,
        naive,
        [images, targets, real, *network.parameters()],
        terms=terms,
    )
    assert not images.requires_grad


def test_memory_follows_the_part_and_not_the_number_of_images(
    frepo: ModuleType,
    small_network: Callable[..., Model],
    peak_live_bytes: Callable[[Callable[[], Any]], int],
) -> None:
    network = small_network().float().requires_grad_(False)
    real = (torch.randn(4, 3, 8, 8), torch.randn(4, 3))

    def peak(count: int, part: int) -> int:
        images, targets = torch.randn(count, 3, 8, 8), torch.randn(count, 3)
        return peak_live_bytes(
            lambda: frepo.regression_gradient(
                network.features, images, targets, real, 1e-3, False, part
            )
        )

    in_parts = peak(48, 4) - peak(24, 4)
    whole = peak(48, 48) - peak(24, 24)
    assert in_parts < 0.4 * whole  # images, features and kernel are left


def test_lamb_is_the_published_one(
    request_for: Callable[..., RunRequest],
) -> None:
    """Adam's step, rescaled to the length of the whole tensor, by the formula in float64."""
    with opened(request_for(), quiet=True) as (lab, _):
        method: Any = METHODS["frepo"](Task(request_for().task, lab), METHODS["frepo"].Settings())
        method.begin()
        leaves = [method.images, method.targets]
        rate = 3e-4
        expected = [leaf.double().clone() for leaf in leaves]
        moments = [(torch.zeros_like(leaf), torch.zeros_like(leaf)) for leaf in expected]
        for step in (1, 2, 3):
            for k, leaf in enumerate(leaves):
                gradient = torch.randn(leaf.shape, generator=torch.Generator().manual_seed(step))
                leaf.grad = gradient
                m, v = moments[k]
                m = 0.9 * m + 0.1 * gradient.double()
                v = 0.999 * v + 0.001 * gradient.double() ** 2
                moments[k] = m, v
                move = (m / (1 - 0.9**step)) / ((v / (1 - 0.999**step)).sqrt() + 1e-6)
                expected[k] -= rate * expected[k].norm() / move.norm() * move
            method.optimiser.step()
    for leaf, wanted in zip(leaves, expected, strict=True):
        assert_close(leaf, wanted, terms=100)


def test_networks_of_the_pool_learn_as_fast_as_their_rate_says(
    room: Callable[[str], ModuleType], tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    """Within its life a network learns the images; at 6% of the rate, as in a port, it does not.

    The first step of Adam moves a weight by the rate, whatever the gradient.
    """
    request = tiny(tmp_path, "method=random", "ipc=2")
    with opened(request, quiet=True) as (lab, _):
        task = Task(request.task, lab)
        images = task.real.images(task.real_subset())
        targets = room("_kernel_regression").centred(task.class_ids(), task.classes)
    model = room("frepo").with_batch_norm(ModelSpec("widening_convnet", {"width": 16}))

    def losses(rate: float) -> list[float]:
        pool = room("_online_networks").OnlineNetworks(
            lambda place, _: model.build(1, 8, 10, RandomStream(place)), [0], rate, 1000
        )
        before = [p.clone() for p in pool.networks[0].parameters()]
        found = [float(pool.train(0, images, targets))]
        changes = [
            float((a - b).abs().max())
            for a, b in zip(pool.networks[0].parameters(), before, strict=True)
        ]
        assert max(changes) == pytest.approx(rate, rel=1e-2)
        return found + [float(pool.train(0, images, targets)) for _ in range(99)]

    published, port = losses(3e-4), losses(0.064 * 3e-4)
    assert published[-1] < 0.2 * published[0]
    assert port[-1] > 0.4 * port[0]


def test_network_that_is_too_old_makes_way_for_a_fresh_one(
    request_for: Callable[..., RunRequest],
) -> None:
    request = request_for(
        "method.online_networks=1", "method.online_steps=1", "method.iterations=4"
    )
    ages, generations = [], []
    with opened(request, quiet=True) as (lab, _):
        method: Any = METHODS["frepo"](Task(request.task, lab), request.method.settings)
        method.begin()
        for i in range(4):
            method.step(i)
            ages += method.online.ages
            generations += method.online.generations
    assert ages == [1, 2, 0, 1]
    assert generations == [0, 0, 1, 1]


def test_ages_of_the_pool_are_spread_over_the_life_of_a_network(
    request_for: Callable[..., RunRequest],
) -> None:
    request = request_for("method.online_networks=4", "method.online_steps=100")
    with opened(request, quiet=True) as (lab, _):
        method: Any = METHODS["frepo"](Task(request.task, lab), request.method.settings)
        method.begin()
        assert method.online.ages == [0, 25, 50, 75]


def test_fresh_network_with_batch_norm_sees_as_one_without(frepo: ModuleType) -> None:
    """Before its first step the statistics are 0 and 1, up to the 1e-5 added to the variance."""
    plain = ModelSpec("widening_convnet", {"width": 4})
    normed = frepo.with_batch_norm(plain)
    networks = [model.build(1, 8, 10, RandomStream(0)).eval() for model in (plain, normed)]
    images = torch.randn(3, 1, 8, 8)
    first, second = (network.features(images) for network in networks)
    assert torch.allclose(first, second, rtol=1e-4, atol=1e-5)
    kinds = [type(layer) for layer in networks[1].blocks]
    assert kinds[:4] == [nn.Conv2d, nn.ReLU, nn.AvgPool2d, nn.BatchNorm2d]
    assert not any(isinstance(layer, nn.Identity) for layer in networks[1].blocks)


def test_model_whose_norm_is_fixed_is_refused_with_the_setting_that_helps(
    frepo: ModuleType, tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    request = tiny(tmp_path, "method=frepo", "model=vit")
    with opened(request, quiet=True) as (lab, _):
        task = Task(request.task, lab)
        with pytest.raises(UserError, match=r"method\.online_norm=model"):
            METHODS["frepo"](task, request.method.settings)
        own = replace(request.method.settings, online_norm=frepo.OnlineNorm.model)
        METHODS["frepo"](task, own)


@pytest.mark.parametrize("images", [10, 100, 200, 400, 500, 1000, 2000, 5000])
def test_students_are_trained_as_on_released_sets(frepo: ModuleType, images: int) -> None:
    released = TrainingRecipe.from_plain(family("frepo", "cifar10").evaluation_of(images))
    made = frepo.evaluation(images, Augmentation.gentle)
    assert made.plain() == released.plain()


def test_the_set_has_learned_targets_and_flips_no_digits(
    request_for: Callable[..., RunRequest],
) -> None:
    outcome = execute(request_for("protocols=[paper]"), quiet=True)
    distilled = DistilledSet.load(outcome.folder / "distilled.safetensors")
    assert distilled.soft_label_kind == "targets"
    assert distilled.evaluation is not None
    assert distilled.evaluation.augmentation is Augmentation.gentle_upright
