"""RCIG's gradient through training against dense algebra and finite differences, in float64."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from closeness import assert_agrees, assert_close, summed_terms
from naive import implicit_loss, jacobian
from torch import Tensor

from ddbench.models.model import Model

pytestmark = pytest.mark.numerical
RIDGE = 0.5
CLASS_IDS = torch.tensor([2, 1, 0, 0])


@pytest.fixture(scope="module")
def implicit(room: Callable[[str], ModuleType]) -> ModuleType:
    return room("_implicit_gradient")


@pytest.fixture
def network(room: Callable[[str], ModuleType], small_network: Callable[..., Model]) -> Model:
    return room("_linearised_network").smooth(small_network(), 3.0).eval()


@pytest.fixture
def found(
    implicit: ModuleType,
    room: Callable[[str], ModuleType],
    network: Model,
    small_images: Callable[..., Tensor],
) -> Callable[..., Any]:
    """Gradients for given images, targets and scale, solved to the end unless told otherwise."""

    def compute(
        images: Tensor, targets: Tensor, log_scale: Tensor, part: int = 100, steps: int = 2000
    ) -> Any:
        linearised = room("_linearised_network").LinearisedNetwork(network, part)
        regression = implicit.Regression(images, targets, RIDGE, steps, 1e-13)
        return implicit.gradients(
            linearised, regression, log_scale, (small_images(4, seed=1), CLASS_IDS)
        )

    return compute


@pytest.fixture
def learned(small_images: Callable[..., Tensor]) -> tuple[Tensor, Tensor, Tensor]:
    """Five images of three classes, their targets, and a scale."""
    targets = F.one_hot(torch.tensor([0, 1, 2, 0, 1]), 3).double() - 1 / 3
    noise = torch.randn(5, 3, generator=torch.Generator().manual_seed(5)).double()
    return small_images(5), targets + 0.1 * noise, torch.tensor(0.4).double()


@pytest.mark.parametrize("part", [2, 100])
def test_gradients_are_those_through_a_dense_solution(
    found: Callable[..., Any],
    network: Model,
    small_images: Callable[..., Tensor],
    learned: tuple[Tensor, Tensor, Tensor],
    part: int,
) -> None:
    real = small_images(4, seed=1)

    def dense() -> tuple[Tensor, ...]:
        leaves = [value.clone().requires_grad_() for value in learned]
        loss = implicit_loss(*leaves, (real, CLASS_IDS), network, RIDGE)
        return loss.detach(), *torch.autograd.grad(loss, leaves)

    result = found(*learned, part)
    total = (
        result.loss,
        result.direct[0] + result.implicit[0],
        result.direct[1] + result.implicit[1],
        result.direct[2],
    )
    # A network forward, for its parameters, for their change, and each again for the images; the
    # systems are solved to 1e-13, which is 450 roundings.
    terms = 6 * summed_terms(network, learned[0]) + 2 * 450
    assert_agrees(total, dense, [*learned, real, *network.parameters()], terms=terms)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_gradients_are_finite_differences_of_the_loss_after_training(
    found: Callable[..., Any], learned: tuple[Tensor, Tensor, Tensor], which: int
) -> None:
    """For images, targets and scale, along a random direction, to the square of the step."""
    result = found(*learned)
    gradient = result.direct[which]
    if which < 2:
        gradient = gradient + result.implicit[which]
    generator = torch.Generator().manual_seed(9)
    direction = torch.randn(learned[which].shape, generator=generator, dtype=torch.float64)
    step = 1e-4
    ends = []
    for sign in (-1, 1):
        moved = list(learned)
        moved[which] = moved[which] + sign * step * direction
        ends.append(found(*moved).loss)
    slope = float(ends[1] - ends[0]) / (2 * step)
    assert slope == pytest.approx(float((gradient * direction).sum()), rel=1e-5)


def test_implicit_part_is_not_small_beside_the_direct_one(
    found: Callable[..., Any], learned: tuple[Tensor, Tensor, Tensor]
) -> None:
    """Otherwise the other tests would say nothing about it."""
    result = found(*learned)
    for direct, implicit in zip(result.direct[:2], result.implicit, strict=True):
        assert float(implicit.norm()) > 0.05 * float(direct.norm())


def test_linearised_network_pushes_and_pulls_by_its_jacobian(
    room: Callable[[str], ModuleType], network: Model, small_images: Callable[..., Tensor]
) -> None:
    images = small_images(5)
    slopes = torch.stack([jacobian(network, image).detach() for image in images])
    generator = torch.Generator().manual_seed(3)
    vector = torch.randn(slopes.shape[2], generator=generator, dtype=torch.float64)
    cotangent = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    terms = 3 * summed_terms(network, images) + slopes.shape[2]
    for part in (2, 100):
        linearised = room("_linearised_network").LinearisedNetwork(network, part)
        assert_close(linearised.push(images, vector), slopes @ vector, terms=terms, condition=10)
        pull = linearised.pullback(images)
        wanted = torch.einsum("ncp,nc->p", slopes, cotangent)
        for _ in range(2):
            assert_close(pull(cotangent), wanted, terms=terms, condition=10)


def test_more_steps_leave_smaller_residuals_and_none_is_above_one(
    found: Callable[..., Any], learned: tuple[Tensor, Tensor, Tensor]
) -> None:
    results = [found(*learned, steps=steps) for steps in (1, 2, 4, 8)]
    for name in ("trained", "inverted"):
        residuals = [getattr(result, name) for result in results]
        assert residuals == sorted(residuals, reverse=True)
        assert 0 < residuals[-1] < residuals[0] < 1


def test_memory_follows_the_part_and_not_the_number_of_images(
    implicit: ModuleType,
    room: Callable[[str], ModuleType],
    network: Model,
    peak_live_bytes: Callable[[Callable[[], Any]], int],
) -> None:
    network.float()
    real = (torch.randn(4, 3, 8, 8), CLASS_IDS)

    def peak(count: int, part: int) -> int:
        linearised = room("_linearised_network").LinearisedNetwork(network, part)
        images, targets = torch.randn(count, 3, 8, 8), torch.randn(count, 3)
        regression = implicit.Regression(images, targets, RIDGE, 2, 1e-3)
        return peak_live_bytes(
            lambda: implicit.gradients(linearised, regression, torch.zeros(()), real)
        )

    in_parts = peak(96, 4) - peak(48, 4)
    whole = peak(96, 96) - peak(48, 48)
    assert in_parts < 0.4 * whole  # images, features and kernel are left


@pytest.fixture
def system() -> tuple[Tensor, Tensor]:
    """A positive definite matrix (12, 12) and a vector."""
    generator = torch.Generator().manual_seed(0)
    root = torch.randn(12, 12, generator=generator, dtype=torch.float64)
    return root @ root.T + torch.eye(12).double(), root[0]


@pytest.mark.parametrize("steps", [1, 3, 40])
def test_conjugate_residuals_tell_the_residual_that_is_left(
    room: Callable[[str], ModuleType], system: tuple[Tensor, Tensor], steps: int
) -> None:
    matrix, right = system
    solution = room("_conjugate_residuals").solved(lambda v: matrix @ v, right, steps, 1e-10)
    left = float((right - matrix @ solution.vector).norm() / right.norm())
    assert solution.residual == pytest.approx(left, rel=1e-6, abs=1e-12)
    assert solution.steps <= steps
    if steps == 40:
        assert solution.residual <= 1e-10
        expected = torch.linalg.solve(matrix, right)
        assert torch.allclose(solution.vector, expected, rtol=1e-6)


def test_conjugate_residuals_find_the_smallest_residual_in_their_reach(
    room: Callable[[str], ModuleType], system: tuple[Tensor, Tensor]
) -> None:
    """For three steps: among all combinations of b, A b and A A b, by least squares."""
    matrix, right = system
    reach = torch.stack([right, matrix @ right, matrix @ matrix @ right], dim=1)
    best = torch.linalg.lstsq(matrix @ reach, right[:, None]).solution
    least = float((right - (matrix @ reach @ best)[:, 0]).norm() / right.norm())
    solution = room("_conjugate_residuals").solved(lambda v: matrix @ v, right, 3, 0.0)
    assert solution.residual == pytest.approx(least, rel=1e-6)


def test_conjugate_residuals_of_nothing_are_nothing(room: Callable[[str], ModuleType]) -> None:
    solution = room("_conjugate_residuals").solved(lambda v: v, torch.zeros(3), 5, 1e-3)
    assert solution.vector.tolist() == [0, 0, 0]
    assert (solution.residual, solution.steps) == (0.0, 0)


def test_implicit_gradient_is_made_no_longer_than_the_direct_one(implicit: ModuleType) -> None:
    direct = torch.tensor([3.0, 4.0])
    short, long = torch.tensor([0.0, 2.0]), torch.tensor([60.0, 80.0])
    assert implicit.limited(short, direct).tolist() == [0, 2]
    assert implicit.limited(long, direct).tolist() == pytest.approx([3, 4])
    assert implicit.limited(torch.full((2,), torch.nan), direct).tolist() == [0, 0]
    assert implicit.limited(torch.zeros(2), direct).tolist() == [0, 0]
