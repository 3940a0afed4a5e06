"""Losses against their formulas, written out for one image and class at a time."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ddbench.training.loss import Loss, softened_divergence


def probabilities(logits: Tensor, temperature: float) -> list[float]:
    weights = [math.exp(float(value) / temperature) for value in logits]
    return [weight / sum(weights) for weight in weights]


def logits(rows: int = 5, classes: int = 4) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    student, teacher = torch.randn(2, rows, classes, generator=generator, dtype=torch.float64) * 3
    return student, teacher


@pytest.mark.parametrize("temperature", [0.5, 1.0, 4.0, 20.0])
def test_divergence_is_the_sum_over_classes_times_the_squared_temperature(
    temperature: float,
) -> None:
    student, teacher = logits()
    total = 0.0
    for own, other in zip(student, teacher, strict=True):
        q, p = probabilities(own, temperature), probabilities(other, temperature)
        total += sum(b * (math.log(b) - math.log(a)) for a, b in zip(q, p, strict=True))
    expected = temperature**2 * total / len(student)
    assert float(Loss.kl(student, teacher, temperature)) == pytest.approx(expected, rel=1e-10)


@pytest.mark.parametrize("temperature", [1.0, 20.0])
def test_gradient_of_the_divergence_is_the_difference_of_probabilities(temperature: float) -> None:
    student, teacher = logits()
    leaf = student.clone().requires_grad_()
    softened_divergence(leaf, teacher, temperature).backward()
    for row, (own, other) in enumerate(zip(student, teacher, strict=True)):
        q, p = probabilities(own, temperature), probabilities(other, temperature)
        expected = [temperature * (a - b) / len(student) for a, b in zip(q, p, strict=True)]
        assert leaf.grad is not None
        assert leaf.grad[row].tolist() == pytest.approx(expected, rel=1e-9)


def test_divergence_from_oneself_is_nothing() -> None:
    student, _ = logits()
    assert float(Loss.kl(student, student + 7, 3.0)) == pytest.approx(0, abs=1e-12)


def test_divergence_does_not_overflow_for_large_logits() -> None:
    student, teacher = logits()
    assert torch.isfinite(Loss.kl(1e4 * student, 1e4 * teacher, 1.0))


@pytest.mark.parametrize("loss", [one for one in Loss if one is not Loss.kl])
def test_temperature_changes_no_other_loss(loss: Loss) -> None:
    student, teacher = logits()
    targets = teacher.softmax(1)
    assert loss(student, targets, 5.0) == loss(student, targets)
