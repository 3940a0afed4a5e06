"""How difficult an image is, in float64 against calculations image by image."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import Tensor

from ddbench.models.model import Model
from ddbench.training.dynamics import TrainingDynamics

EPOCHS, IMAGES = 14, 9


@pytest.fixture
def dynamics() -> TrainingDynamics:
    generator = torch.Generator().manual_seed(0)
    numbers = torch.randn(3, EPOCHS, IMAGES, generator=generator, dtype=torch.float64)
    right = torch.rand(EPOCHS, IMAGES, generator=generator) < 0.5
    right[:, 0], right[:, 1] = False, True
    return TrainingDynamics(right, *numbers)


def naive_difficulty(name: str, dynamics: TrainingDynamics, image: int) -> float:
    """As published, for one image, epoch by epoch."""
    total, was_right, ever_right = 0.0, False, False
    for epoch in range(EPOCHS):
        is_right = bool(dynamics.right[epoch, image])
        if name == "forgetting":
            total += was_right and not is_right
        elif name == "el2n":
            total += dynamics.errors[epoch, image].item() if epoch < 10 else 0
        elif name == "aum":
            total -= dynamics.logit_margins[epoch, image].item() / EPOCHS
        else:
            total -= dynamics.margins[epoch, image].item()
        was_right, ever_right = is_right, ever_right or is_right
    return total if ever_right or name != "forgetting" else EPOCHS


@pytest.mark.parametrize("name", ["forgetting", "el2n", "aum", "margin"])
def test_difficulty_agrees_with_a_loop_over_epochs(
    name: str, room: Callable[[str], ModuleType], dynamics: TrainingDynamics
) -> None:
    module = room("_difficulty")
    assert name in module.Score.__members__
    found = module.difficulty(module.Score[name], dynamics)
    assert found.dtype == torch.float64
    expected = [naive_difficulty(name, dynamics, image) for image in range(IMAGES)]
    assert found.tolist() == pytest.approx(expected, rel=1e-12)


def test_image_that_is_never_right_is_harder_than_any_that_is_forgotten(
    room: Callable[[str], ModuleType], dynamics: TrainingDynamics
) -> None:
    module = room("_difficulty")
    dynamics.right[::2, 2], dynamics.right[1::2, 2] = True, False  # forgotten as often as can be
    found = module.difficulty(module.Score.forgetting, dynamics)
    assert found[0] > found[2] == EPOCHS // 2
    assert found[1] == 0


def test_norms_of_gradients_agree_with_one_backward_pass_for_each_image(
    room: Callable[[str], ModuleType],
    small_network: Callable[..., Model],
    small_images: Callable[..., Tensor],
) -> None:
    network, images, labels = small_network().eval(), small_images(5), torch.tensor([0, 1, 2, 0, 1])
    expected = []
    for image, label in zip(images, labels, strict=True):
        logits = network(image[None])[0]
        loss = logits.exp().sum().log() - logits[label]
        gradients = torch.autograd.grad(loss, list(network.parameters()))
        expected.append(sum((g**2).sum().item() for g in gradients) ** 0.5)
    found = room("grand").gradient_norms(network, images, labels)
    assert found.tolist() == pytest.approx(expected, rel=1e-10)
