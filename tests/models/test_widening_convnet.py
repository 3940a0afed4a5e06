"""The ConvNet whose width doubles: shapes, parameters, and how its weights are drawn."""

from __future__ import annotations

import math

import pytest
from torch import nn

from ddbench.models.spec import ModelSpec
from ddbench.runtime.randomness import RandomStream


def built(**settings):
    return ModelSpec("widening_convnet", settings).build(3, 32, 10, RandomStream(0))


def test_the_published_network_has_8192_features() -> None:
    network = built(width=128)
    assert network.classifier.in_features == 512 * 4 * 4
    widths = [layer.out_channels for layer in network.blocks if isinstance(layer, nn.Conv2d)]
    assert widths == [128, 256, 512]
    assert not any(isinstance(layer, nn.GroupNorm | nn.BatchNorm2d) for layer in network.modules())


def test_weights_have_variance_one_over_fan_in_and_biases_are_zero() -> None:
    for layer in built(width=64).modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            fan_in = layer.weight[0].numel()
            assert float(layer.weight.detach().std()) == pytest.approx(
                1 / math.sqrt(fan_in), rel=0.05
            )
            assert float(layer.weight.detach().abs().max()) <= 2.28 / math.sqrt(fan_in)
            assert float(layer.bias.detach().abs().max()) == 0
