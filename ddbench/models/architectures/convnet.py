"""ConvNet: blocks of 3x3 convolution, norm, ReLU and average pooling, the field's usual network.

Introduced for dataset condensation (Zhao et al., ICLR 2021) after Gidaris & Komodakis (CVPR 2018).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Self

from torch import Tensor, nn

from ...errors import UserError
from ...plugins.settings import setting
from ..blocks import BlocksModel
from ..convolution import convolution
from ..layers import Norm, first_padding, may_be_joined, norm_layer
from ..model import ModelSettings
from ..norm_relu_pool import norm_relu_pool

JOINED: list[type[nn.Module]] = [nn.Conv2d, nn.GroupNorm, nn.ReLU, nn.AvgPool2d]
"""The layers of a block that may be computed together."""


class ConvNet(BlocksModel):
    """`depth` blocks of conv3x3 -> norm -> ReLU -> average pooling 2x2, then one linear layer.

    Instance norm is a GroupNorm with one group per channel: it has no running statistics, so
    training and evaluation mode are the same function. Weights are PyTorch's layer defaults.

    On a CPU, blocks with a group norm are computed by `convolution` and `norm_relu_pool`: the same
    function, but faster, especially when it is differentiated twice.
    """

    @dataclass
    class Settings(ModelSettings):
        """Settings of ConvNet."""

        width: int | None = setting(
            None, "channels; null: 128 with an accelerator, 32 on a CPU", low=1
        )
        depth: int | None = setting(
            None,
            "blocks; null: by resolution, so that maps of 4x4 remain (at least two blocks)",
            low=1,
        )
        norm: Norm = setting(Norm.instance, "instance, batch, group or none")

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
        assert isinstance(settings, ConvNet.Settings)
        width = settings.width or 128
        padding, side = first_padding(resolution, 3)
        depth = settings.depth or max(2, side.bit_length() - 3)
        if side >> depth < 1:
            raise UserError(
                f"model.depth={depth}: {resolution}x{resolution} images can be halved at most "
                f"{side.bit_length() - 1} times"
            )
        widths = self.widths(width, depth)
        layers: list[nn.Module] = []
        for block, (before, after) in enumerate(pairwise([channels, *widths])):
            conv = nn.Conv2d(before, after, 3, padding=1 if block else padding)
            layers += self.block(conv, settings, first=not block)
        self.blocks = nn.Sequential(*layers)
        self.classifier = nn.Linear(widths[-1] * (side >> depth) ** 2, classes)

    def block(self, conv: nn.Conv2d, settings: Settings, first: bool) -> list[nn.Module]:
        """The layers of a block around its convolution; `first`: it is the first block."""
        norm = norm_layer(settings.norm, conv.out_channels)
        return [conv, norm, nn.ReLU(), nn.AvgPool2d(2)]

    def features(self, images: Tensor) -> Tensor:
        """Flat features (N, classifier.in_features)."""
        # Exact types: a layer that has replaced one of these must be called itself.
        kinds = [type(layer) for layer in self.blocks]
        if kinds != JOINED * (len(kinds) // 4) or not may_be_joined(self.blocks, images):
            return super().features(images)
        maps, layers = images, iter(self.blocks)
        for conv, norm, relu, pool in zip(layers, layers, layers, layers, strict=True):
            assert isinstance(conv, nn.Conv2d)
            assert isinstance(norm, nn.GroupNorm)
            maps = convolution(maps, conv)
            odd = maps.shape[2] % 2 or maps.shape[3] % 2
            maps = pool(relu(norm(maps))) if odd else norm_relu_pool(maps, norm)
        return maps.flatten(1)

    def widths(self, width: int, depth: int) -> list[int]:
        """Channels of each block."""
        return [width] * depth
