"""Training dynamics against single numbers, and a watched training against a plain one."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from ddbench.runtime.randomness import RandomStream
from ddbench.training.dynamics import TrainingDynamics, WatchedTraining
from ddbench.training.loop import Training
from ddbench.training.recipe import Examples, TrainingRecipe

STREAM = RandomStream(5, ("test",))
RECIPE = TrainingRecipe(epochs=3, learning_rate=0.1, batch_size=4, augment=False)


def network() -> nn.Module:
    with STREAM.as_global():
        return nn.Sequential(nn.Flatten(), nn.Linear(16, 6), nn.ReLU(), nn.Linear(6, 3))


@pytest.fixture
def examples() -> Examples:
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn(10, 1, 4, 4, generator=generator)
    return Examples(inputs, torch.randint(3, (10,), generator=generator))


def naive(logits: list[float], label: int) -> dict[str, float]:
    """What is recorded of one image, number by number."""
    shares = [math.exp(z) / sum(math.exp(other) for other in logits) for z in logits]
    others = [k for k in range(len(logits)) if k != label]
    square = sum((p - (k == label)) ** 2 for k, p in enumerate(shares))
    return {
        "right": float(logits[label] == max(logits)),
        "logit_margins": logits[label] - max(logits[k] for k in others),
        "margins": shares[label] - max(shares[k] for k in others),
        "errors": math.sqrt(square),
    }


def test_what_is_noted_of_a_batch_agrees_with_a_calculation_by_single_numbers() -> None:
    logits = torch.randn(4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    labels, index = torch.tensor([0, 4, 2, 2]), torch.tensor([5, 0, 3, 1])
    noted = TrainingDynamics(
        torch.zeros(2, 6, dtype=torch.bool), *torch.zeros(3, 2, 6, dtype=torch.float64)
    )
    noted.note(1, index, logits, labels)
    for row, label, position in zip(logits.tolist(), labels.tolist(), index.tolist(), strict=True):
        for name, value in naive(row, label).items():
            found = noted.tensors()[name][1, position].item()
            assert found == pytest.approx(value, rel=1e-12), name
    for rows in noted.tensors().values():
        assert not rows[0].any()
        assert not rows[1, [2, 4]].any()


def test_each_image_is_noted_in_each_epoch_with_the_weights_before_its_step(
    examples: Examples,
) -> None:
    watched = WatchedTraining(network(), examples, RECIPE, STREAM)
    expected = TrainingDynamics.empty(3, 10)
    for epoch in range(3):
        order = watched._shuffled()
        for batch in order.split(4):
            before = copy.deepcopy(watched.network)
            inputs, labels = examples.batch(batch)
            expected.note(epoch, batch, before(inputs).detach(), labels)
            watched.step()
    for name, rows in watched.dynamics.tensors().items():
        assert torch.equal(rows, expected.tensors()[name]), name
    assert (watched.dynamics.errors > 0).all()
    held = sum(rows.nbytes for rows in watched.dynamics.tensors().values())
    assert held == TrainingDynamics.nbytes(3, 10)


def weights(network: nn.Module) -> list[Tensor]:
    return list(network.state_dict().values())


def test_watching_leaves_the_weights_as_they_are_bit_for_bit(examples: Examples) -> None:
    recipe = replace(RECIPE, augment=True)
    plain = Training(network(), examples, recipe, STREAM)
    watched = WatchedTraining(network(), examples, recipe, STREAM)
    plain.run()
    watched.run()
    pairs = zip(weights(plain.network), weights(watched.network), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("steps", [1, 3, 7])
def test_resumed_training_notes_the_same(examples: Examples, steps: int) -> None:
    whole = WatchedTraining(network(), examples, RECIPE, STREAM)
    whole.run()
    first = WatchedTraining(network(), examples, RECIPE, STREAM)
    for _ in range(steps):
        first.step()
    second = WatchedTraining(network(), examples, RECIPE, STREAM)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    second.run()
    for name, rows in whole.dynamics.tensors().items():
        assert torch.equal(rows, second.dynamics.tensors()[name]), name


@pytest.mark.parametrize("change", [{"epoch_steps": 2}, {"cutmix": 0.5}, {"mixup": 0.8}])
def test_epochs_that_do_not_show_each_image_as_it_is_cannot_be_watched(
    examples: Examples, change: dict[str, float]
) -> None:
    with pytest.raises(ValueError, match="whole epochs"):
        WatchedTraining(network(), examples, replace(RECIPE, **change), STREAM)  # type: ignore[arg-type]
