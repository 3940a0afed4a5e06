"""The ConvNet of kernel methods: its width doubles with every block, and it has no norm.

Y. Zhou et al., "Dataset distillation using neural feature regression" (NeurIPS 2022) and N. Loo et
al., "Dataset distillation with convexified implicit gradients" (ICML 2023): blocks of conv3x3,
ReLU and average pooling, 128, 256, 512, … channels, weights initialised as in Flax.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import nn

from ...plugins.settings import setting
from ..layers import Norm, norm_layer
from ..model import ModelSettings
from .convnet import ConvNet

TRUNCATED_STD = 0.87962566103423978
"""Standard deviation of a standard normal truncated at two standard deviations."""


def lecun_normal(layer: nn.Module) -> None:
    """Draw weights with variance 1 / fan-in from a truncated normal, and set biases to 0.

    This is Flax's default: truncated at two standard deviations, and widened so that the variance
    after truncation is 1 / fan-in (Y. LeCun et al., "Efficient backprop", 1998).
    """
    if isinstance(layer, nn.Conv2d | nn.Linear):
        std = math.sqrt(1 / layer.weight[0].numel()) / TRUNCATED_STD
        nn.init.trunc_normal_(layer.weight, std=std, a=-2 * std, b=2 * std)
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)


class WideningConvNet(ConvNet):
    """The blocks of `ConvNet`, each twice as wide as the one before it; `width` is the first's."""

    @dataclass
    class Settings(ConvNet.Settings):
        """Settings of the network."""

        norm: Norm = setting(Norm.none, "instance, batch, group or none")
        norm_before: bool = setting(
            False,
            "whether the norm comes before each convolution except the first, not after it",
            left_out_at_default=True,
        )

    settings: Settings

    def __init__(
        self, settings: ModelSettings, channels: int, resolution: int, classes: int
    ) -> None:
        """Build for square images (N, channels, resolution, resolution).

        Raises:
            UserError: when there are more blocks than the resolution can be halved.
        """
        super().__init__(settings, channels, resolution, classes)
        self.apply(lecun_normal)

    def block(self, conv: nn.Conv2d, settings: ConvNet.Settings, first: bool) -> list[nn.Module]:
        """The layers of a block around its convolution; the first has no norm before it."""
        assert isinstance(settings, WideningConvNet.Settings)
        if not settings.norm_before:
            return super().block(conv, settings, first)
        norms = [] if first else [norm_layer(settings.norm, conv.in_channels)]
        return [*norms, conv, nn.ReLU(), nn.AvgPool2d(2)]

    def widths(self, width: int, depth: int) -> list[int]:
        """Channels of each block."""
        return [width << block for block in range(depth)]
