"""Kernel ridge regression against dense algebra, in parts, and where it has no solution."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
from closeness import assert_close
from torch import Tensor

pytestmark = pytest.mark.numerical


@pytest.fixture(scope="module")
def regression(room: Callable[[str], ModuleType]) -> ModuleType:
    return room("_kernel_regression")


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("features", [4, 9])
def test_weights_are_those_of_the_inverse(regression: ModuleType, features: int) -> None:
    """For six images with fewer features than images, and with more."""
    phi, targets, ridge = normal(6, features), normal(6, 3, seed=1), torch.tensor(0.1).double()
    kernel = phi @ phi.T + ridge * torch.eye(6)
    found = regression.ridge_weights(phi, targets, ridge)
    condition = float(torch.linalg.cond(kernel))
    assert_close(found, torch.linalg.inv(kernel) @ targets, terms=60, condition=condition)


def test_gradients_of_the_weights_are_finite_differences(regression: ModuleType) -> None:
    inputs = (normal(5, 7), normal(5, 3, seed=1), torch.tensor(0.3).double())
    leaves = [value.requires_grad_() for value in inputs]
    assert torch.autograd.gradcheck(regression.ridge_weights, leaves)


def test_singular_kernel_is_said_in_one_line(regression: ModuleType) -> None:
    for features in (torch.zeros(4, 3), torch.full((4, 3), torch.nan)):
        with pytest.raises(FloatingPointError, match=r"4 distilled images is singular") as told:
            regression.ridge_weights(features.double(), normal(4, 2), torch.tensor(0.0).double())
        assert "\n" not in str(told.value)


def test_targets_of_a_class_sum_to_zero(regression: ModuleType) -> None:
    targets = regression.centred(torch.tensor([2, 0]), 4)
    assert targets.tolist() == [[-0.25, -0.25, 0.75, -0.25], [0.75, -0.25, -0.25, -0.25]]


def test_margin_counts_up_to_its_limit_and_then_asks_for_nothing(regression: ModuleType) -> None:
    targets = torch.tensor([[0.5, 0.4, -1.0], [3.0, 0.0, 1.0]]).requires_grad_()
    margin = regression.mean_margin(targets, 0.25)
    assert float(margin.detach()) == pytest.approx((0.1 + 0.25) / 2)
    (gradient,) = torch.autograd.grad(margin, targets)
    assert gradient.tolist() == [[0.5, -0.5, 0.0], [0.0, 0.0, 0.0]]


def test_a_function_in_parts_has_the_value_and_gradient_of_the_whole(
    room: Callable[[str], ModuleType],
    small_network: Callable[..., Any],
    small_images: Callable[..., Tensor],
) -> None:
    network, results = small_network().requires_grad_(False), []
    for size in (2, 7):
        leaf = small_images(7).requires_grad_()
        value = room("_image_parts").in_parts(network.features, leaf, size)
        (gradient,) = torch.autograd.grad(value.square().sum(), leaf)
        results.append((value, gradient))
    for part, whole in zip(*results, strict=True):
        assert_close(part, whole, terms=500)
