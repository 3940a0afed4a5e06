"""GSAM against the printed formulas."""

from __future__ import annotations

import pytest
import torch
from closeness import assert_close
from torch import Tensor, nn

from ddbench.training.optimisers import GSAM, OPTIMISERS
from ddbench.training.recipe import TrainingRecipe

pytestmark = pytest.mark.numerical
TERMS = 3 * (2 * 3 * (3 + 5 + 4 * 2) + 3 * 32)
"""Three steps, each of two gradients, forward and backward, and three products of 32 weights."""


def loss_of(network: nn.Module) -> Tensor:
    inputs = torch.linspace(-1, 1, 12, dtype=torch.float64).view(4, 3)
    return (network(inputs) ** 4).mean() + network(inputs).sum().sin()


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 5), nn.Tanh(), nn.Linear(5, 2)).double()


def flat_gradient(network: nn.Module, weights: Tensor) -> Tensor:
    nn.utils.vector_to_parameters(weights, network.parameters())
    gradient = torch.autograd.grad(loss_of(network), list(network.parameters()))
    return torch.cat([part.flatten() for part in gradient])


@pytest.mark.parametrize(("rho", "alpha"), [(0.5, 0.4), (0.01, 1.0), (0.3, 0.0)])
def test_gsam_step_equals_the_formulas_on_one_vector_of_weights(rho: float, alpha: float) -> None:
    reference, trained = network(), network()
    w = nn.utils.parameters_to_vector(reference.parameters()).detach().clone()
    optimiser = GSAM(trained.parameters(), rho, alpha, lr=0.1)
    for _ in range(3):
        g0 = flat_gradient(reference, w)
        g1 = flat_gradient(reference, w + rho * w**2 * g0 / ((w.abs() * g0).norm() + 1e-12))
        across = g0 - (g0 @ g1) / (g1.norm() ** 2 + 1e-12) * g1
        w = w - 0.1 * (g1 - alpha * across)

        def closure() -> Tensor:
            optimiser.zero_grad()
            loss = loss_of(trained)
            loss.backward()  # type: ignore[no-untyped-call]
            return loss.detach()

        expected_loss = loss_of(trained)
        assert_close(optimiser.step(closure), expected_loss, terms=TERMS)
        after = nn.utils.parameters_to_vector(trained.parameters())
        assert_close(after, w, terms=TERMS)


def test_gsam_without_radius_and_gap_is_sgd() -> None:
    results = []
    for name in ("sgd", "gsam"):
        trained = network()
        recipe = TrainingRecipe(
            epochs=1, learning_rate=0.1, optimiser=name, sharpness_radius=0.0, surrogate_gap=0.0
        )
        optimiser = OPTIMISERS[name](trained.parameters(), recipe)

        def closure(trained: nn.Module = trained) -> Tensor:
            trained.zero_grad()
            loss = loss_of(trained)
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        for _ in range(3):
            optimiser.step(closure)  # type: ignore[arg-type]
        results.append(nn.utils.parameters_to_vector(trained.parameters()))
    assert_close(*results, terms=TERMS)


def test_fields_of_gsam_are_in_the_key_of_its_recipes_alone() -> None:
    plain = TrainingRecipe(epochs=1, learning_rate=0.1).plain()
    assert "surrogate_gap" not in plain
    gsam = TrainingRecipe(epochs=1, learning_rate=0.1, optimiser="gsam", surrogate_gap=0.3)
    assert gsam.plain()["surrogate_gap"] == 0.3
    assert TrainingRecipe.from_plain(gsam.plain()) == gsam
