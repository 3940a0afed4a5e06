"""The ConvNet of kernel methods: its width doubles with every block, and it has no norm.

Y. Zhou et al., "Dataset distillation using neural feature regression" (NeurIPS 2022) and N. Loo et
al., "Dataset distillation with convexified implicit gradients" (ICML 2023): blocks of conv3x3,
ReLU and average pooling, 128, 256, 512, … channels, weights drawn as Flax draws them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

from torch import nn

from ...errors import UserError
from ...plugins.settings import setting
from ..blocks import BlocksModel
from ..layers import Norm, first_padding, norm_layer
from ..model import ModelSettings

TRUNCATED_STD = 0.87962566103423978
"""Standard deviation of a standard normal that is cut off at two of its own."""


def lecun_normal(layer: nn.Module) -> None:
    """Draw weights with variance 1 / fan-in from a truncated normal, and set biases to 0.

    As Flax's default: cut off at two standard deviations, and widened so that the variance is
    1 / fan-in after cutting (Y. LeCun et al., "Efficient backprop", 1998).
    """
    if isinstance(layer, nn.Conv2d | nn.Linear):
        std = math.sqrt(1 / layer.weight[0].numel()) / TRUNCATED_STD
        nn.init.trunc_normal_(layer.weight, std=std, a=-2 * std, b=2 * std)
        assert layer.bias is not None
        nn.init.zeros_(layer.bias)


class WideningConvNet(BlocksModel):
    """`depth` blocks of conv3x3 -> norm -> ReLU -> average pooling 2x2, each twice as wide."""

    @dataclass
    class Settings(ModelSettings):
        """Settings of the network."""

        width: int | None = setting(
            None, "channels of the first block; null: 128 with an accelerator, 32 on a CPU", low=1
        )
        depth: int | None = setting(
            None,
            "blocks; null: by resolution, so that maps of 4x4 remain (two blocks at least)",
            low=1,
        )
        norm: Norm = setting(Norm.none, "instance, batch, group or none")

        def for_device(self, device_type: str) -> Self:
            """Fill in the width."""
            return replace(self, width=self.width or (32 if device_type == "cpu" else 128))

    settings: Settings

    def __init__(
        self, settings: ModelSettings, channels: int, resolution: int, classes: int
    ) -> None:
        """Build for square images (N, channels, resolution, resolution).

        Raises:
            UserError: when there are more blocks than the resolution can be halved.
        """
        super().__init__(settings, channels, resolution, classes)
        assert isinstance(settings, WideningConvNet.Settings)
        padding, side = first_padding(resolution, 3)
        depth = settings.depth or max(2, side.bit_length() - 3)
        if side >> depth < 1:
            raise UserError(
                f"model.depth={depth}: {resolution}x{resolution} images can be halved at most "
                f"{side.bit_length() - 1} times"
            )
        layers: list[nn.Module] = []
        before, width = channels, settings.width or 128
        for block in range(depth):
            layers += [
                nn.Conv2d(before, width, 3, padding=1 if block else padding),
                norm_layer(settings.norm, width),
                nn.ReLU(),
                nn.AvgPool2d(2),
            ]
            before, width = width, 2 * width
        self.blocks = nn.Sequential(*layers)
        self.classifier = nn.Linear(before * (side >> depth) ** 2, classes)
        self.apply(lecun_normal)
