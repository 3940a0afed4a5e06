"""A teacher's batch norms use the statistics of what it labels, and stay unchanged."""

from __future__ import annotations

import copy

import pytest
import torch
from closeness import assert_close
from torch import Tensor, nn

from ddbench.runtime.randomness import RandomStream
from ddbench.training.batch_statistics import predict_by_parts
from ddbench.training.loop import Training, predict
from ddbench.training.loss import Loss
from ddbench.training.recipe import Examples, TrainingRecipe

pytestmark = pytest.mark.numerical
STREAM = RandomStream(3, ("parts",))
TERMS = 3 * 36 + 8 * 36 + 9
"""Terms of the last layer, of a mean over images and pixels, and of the convolution."""
CONDITION = 10.0
"""Differences from a mean, and logits whose terms cancel."""


def network() -> nn.Sequential:
    """A network with running statistics that match no batch, and with dropout."""
    with STREAM.as_global():
        made = nn.Sequential(
            nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(),
            nn.Linear(3 * 36, 4),
        ).double()  # fmt: skip
    made[1].running_mean += 5
    return made


def images(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(count, 1, 8, 8, generator=generator, dtype=torch.float64)


def by_hand(model: nn.Sequential, part: Tensor) -> Tensor:
    """Logits of a part by the mean and variance of each channel over its images and pixels."""
    convolution, norm, _, _, _, last = model
    maps = convolution(part)
    shifted = torch.empty_like(maps)
    for channel in range(maps.shape[1]):
        own = maps[:, channel]
        mean = own.sum() / own.numel()
        variance = ((own - mean) ** 2).sum() / own.numel()
        shifted[:, channel] = norm.weight[channel] * (own - mean) / (variance + norm.eps).sqrt()
        shifted[:, channel] += norm.bias[channel]
    return last(shifted.clamp(min=0).flatten(1))


@pytest.mark.parametrize(
    ("count", "parts", "sizes"),
    [(8, 2, (4, 4)), (7, 2, (4, 3)), (6, 1, (6,)), (3, 2, (3,)), (9, 100, (3, 2, 2, 2))],
)
def test_each_part_is_normalised_by_its_own_images(
    count: int, parts: int, sizes: tuple[int, ...]
) -> None:
    model, inputs = network(), images(count)
    expected = torch.cat([by_hand(model, part) for part in inputs.split(sizes)])
    assert_close(predict_by_parts(model, inputs, parts), expected, terms=TERMS, condition=CONDITION)


def test_the_network_is_as_it_was() -> None:
    model, inputs = network(), images(8)
    before, said = copy.deepcopy(model.state_dict()), predict(model, inputs)
    assert not torch.allclose(predict_by_parts(model, inputs, 2), said)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(predict(model, inputs), said)


def test_without_a_batch_norm_the_parts_change_nothing() -> None:
    model, inputs = nn.Sequential(nn.Flatten(), nn.Linear(64, 4)).double(), images(6)
    assert_close(
        predict_by_parts(model, inputs, 2), predict(model, inputs), terms=TERMS, condition=CONDITION
    )


@pytest.mark.parametrize("parts", [0, 2])
def test_students_learn_what_the_teacher_says_by_the_parts_of_the_recipe(parts: int) -> None:
    recipe = TrainingRecipe(
        epochs=1, learning_rate=0.1, batch_size=8, loss=Loss.kl, augment=False, temperature=3.0,
        teacher_parts=parts,
    )  # fmt: skip
    student, teacher, inputs = nn.Sequential(nn.Flatten(), nn.Linear(64, 4)), network(), images(8)
    student.double()
    data = Examples(inputs, torch.zeros(8, dtype=torch.int64))
    order = torch.randperm(8, generator=(STREAM / "order" / 0).generator())
    shown = inputs[order]
    taught = predict_by_parts(teacher, shown, parts) if parts else predict(teacher, shown)
    expected = Loss.kl(student(shown), taught, 3.0).detach()
    training = Training(student, data, recipe, STREAM, teacher=teacher)
    training.run()
    assert_close(training.loss, expected, terms=TERMS, condition=CONDITION)
