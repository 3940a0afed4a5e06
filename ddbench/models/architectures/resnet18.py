"""ResNet18 for small images: a 3x3 stem without pooling, instance norm.

After He et al. (CVPR 2016), in the form used for scoring by dataset condensation (Zhao et al.,
ICLR 2021) and adversarial prediction matching.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from ...plugins.settings import setting
from ..blocks import BlocksModel
from ..layers import Norm, first_padding, norm_layer
from ..model import ModelSettings

WIDTHS = (64, 128, 256, 512)
BLOCKS = 2  # in each stage
POOL = 4  # side of the last average pooling, in pixels


class _BasicBlock(nn.Module):
    """relu(conv-norm-relu-conv-norm(x) + shortcut(x)); the shortcut is linear where shapes differ.

    Args:
        norm: after each convolution.
        before: input channels.
        width: output channels.
        stride: of the first convolution and the shortcut.
    """

    def __init__(self, norm: Norm, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            nn.Conv2d(before, width, 3, stride, padding=1, bias=False),
            norm_layer(norm, width),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            norm_layer(norm, width),
        )
        self.shortcut: nn.Module = nn.Identity()
        if stride != 1 or before != width:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, width, 1, stride, bias=False), norm_layer(norm, width)
            )

    def forward(self, maps: Tensor) -> Tensor:
        return F.relu(self.residual(maps) + self.shortcut(maps))


class ResNet18(BlocksModel):
    """Stem conv3x3, four stages of two basic blocks, average pooling 4x4, one linear layer.

    Maps of 32 pixels end as 1x1 (512 features), of 64 as 2x2 (2048). A stride that would leave a
    single pixel, which an instance norm maps to zero, is 1 instead.
    """

    @dataclass
    class Settings(ModelSettings):
        """Settings of ResNet18."""

        norm: Norm = setting(Norm.instance, "instance, batch, group or none")

    def __init__(
        self, settings: ModelSettings, channels: int, resolution: int, classes: int
    ) -> None:
        """Build for square images (N, channels, resolution, resolution)."""
        super().__init__(settings, channels, resolution, classes)
        assert isinstance(settings, ResNet18.Settings)
        padding, side = first_padding(resolution, 3)
        changes = [f"images padded to {side}x{side}"] if side != resolution else []
        before = WIDTHS[0]
        layers: list[nn.Module] = [
            nn.Conv2d(channels, before, 3, padding=padding, bias=False),
            norm_layer(settings.norm, before),
            nn.ReLU(),
        ]
        for number, width in enumerate(WIDTHS):
            stride = 2 if number and side > 2 else 1
            if number and stride == 1:
                changes.append(f"stride 1 in stage {number + 1}")
            side = -(-side // stride)
            layers.append(_BasicBlock(settings.norm, before, width, stride))
            layers += [_BasicBlock(settings.norm, width, width, 1) for _ in range(BLOCKS - 1)]
            before = width
        if side < POOL:
            changes.append(f"average pooling {side}x{side}")
        pool = min(side, POOL)
        self.blocks = nn.Sequential(*layers, nn.AvgPool2d(pool))
        self.classifier = nn.Linear(before * (side // pool) ** 2, classes)
        self.adaptation = ", ".join(changes)
