"""Learning rates of students of other architectures, chosen once and frozen."""

from __future__ import annotations

from ddbench.models.model import ModelSpec
from ddbench.training.recipe import Loss

RATES: dict[str, dict[Loss, float]] = {
    "vgg11": {Loss.cross_entropy: 0.01, Loss.l1: 0.03},
    "resnet18": {Loss.cross_entropy: 0.01, Loss.l1: 0.03},
    "vit": {Loss.cross_entropy: 0.01, Loss.l1: 0.03},
    "alexnet": {Loss.cross_entropy: 0.01, Loss.l1: 0.03},
    "mlp": {Loss.cross_entropy: 0.01, Loss.l1: 0.03},
}
"""Rates of SGD by architecture and loss."""
ELSEWHERE = {Loss.cross_entropy: 0.01, Loss.l1: 0.03}
"""For every other architecture."""


def transfer_rate(model: ModelSpec, loss: Loss) -> float:
    """The frozen learning rate of an architecture."""
    rates = RATES.get(model.name, ELSEWHERE)
    return rates[Loss.cross_entropy if loss is Loss.cross_entropy else Loss.l1]
