"""VGG11 for small images: 3x3 convolutions, instance norm, max pooling and one linear layer.

After Simonyan & Zisserman (ICLR 2015), configuration A, in the form used for scoring by dataset
condensation (Zhao et al., ICLR 2021) and adversarial prediction matching.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from ...plugins.settings import setting
from ..blocks import BlocksModel
from ..layers import Norm, first_padding, norm_layer
from ..model import ModelSettings

STAGES = ((64,), (128,), (256, 256), (512, 512), (512, 512))


class VGG11(BlocksModel):
    """Eight blocks of conv3x3 -> norm -> ReLU with a max pooling 2x2 after each of five stages.

    Maps of 32 pixels end as 1x1 (512 features), of 64 as 2x2 (2048). Below 32 pixels, inner
    poolings that would leave the next stage a single pixel, which an instance norm maps to zero,
    are left out.
    """

    @dataclass
    class Settings(ModelSettings):
        """Settings of VGG11."""

        norm: Norm = setting(Norm.instance, "instance, batch, group or none")

    def __init__(
        self, settings: ModelSettings, channels: int, resolution: int, classes: int
    ) -> None:
        """Build for square images (N, channels, resolution, resolution)."""
        super().__init__(settings, channels, resolution, classes)
        assert isinstance(settings, VGG11.Settings)
        padding, side = first_padding(resolution, 3)
        changes = [f"images padded to {side}x{side}"] if side != resolution else []
        layers: list[nn.Module] = []
        left_out = 0
        for number, widths in enumerate(STAGES):
            for width in widths:
                layers += [
                    nn.Conv2d(channels, width, 3, padding=padding),
                    norm_layer(settings.norm, width),
                    nn.ReLU(),
                ]
                channels, padding = width, 1
            last = number == len(STAGES) - 1
            if side // 2 >= (1 if last else 2):
                layers.append(nn.MaxPool2d(2))
                side //= 2
            else:
                left_out += 1
        if left_out:
            changes.append(f"{left_out} of {len(STAGES)} poolings left out")
        self.blocks = nn.Sequential(*layers)
        self.classifier = nn.Linear(channels * side**2, classes)
        self.adaptation = ", ".join(changes)
