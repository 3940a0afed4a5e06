"""NAS-Bench-201: three stacks of one searched cell, with residual blocks that halve the maps.

X. Dong and Y. Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture
Search" (ICLR 2020), section 2.1.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ...errors import UserError
from ...plugins.settings import setting
from ..model import Model, ModelSettings
from ..nas_bench_201.cells import EDGES, Cell, cell_string, parse_cell

RESIDUAL = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|skip_connect~2|"


class NasBench201(Model):
    """Stem, three stacks of cells with C, 2C and 4C channels, global pooling, one linear layer.

    Residual blocks of stride 2 separate the stacks. Convolutions have no bias, norms are batch
    norms with affine parameters, and weights are PyTorch's layer defaults, as in the benchmark. The
    benchmark's own size is 16 channels and 5 cells per stack.
    """

    @dataclass
    class Settings(ModelSettings):
        """Settings of NAS-Bench-201's networks."""

        architecture: str = setting(
            RESIDUAL, "the cell: its string, or its index 0..15624 in the benchmark"
        )
        channels: int = setting(16, "channels of the first stack", low=1, high=1024)
        cells_per_stack: int = setting(5, "cells in each of the three stacks", low=1, high=100)

        def __post_init__(self) -> None:
            """Replace an index by its string, so that one cell has one key."""
            super().__post_init__()
            self.architecture = cell_string(parse_cell(self.architecture))

    def __init__(
        self, settings: ModelSettings, channels: int, resolution: int, classes: int
    ) -> None:
        """Build for square images (N, channels, resolution, resolution).

        Raises:
            UserError: when the resolution cannot be halved twice.
        """
        super().__init__(settings, channels, resolution, classes)
        assert isinstance(settings, NasBench201.Settings)
        if resolution % 4:
            raise UserError(
                f"model=nas_bench_201: {resolution}x{resolution} images cannot be halved twice; "
                "their side must be a multiple of 4"
            )
        cell, width = parse_cell(settings.architecture), settings.channels
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )
        blocks: list[nn.Module] = []
        for stack in range(3):
            if stack:
                blocks.append(_Reduction(width))
                width *= 2
            blocks += [_SearchedCell(cell, width) for _ in range(settings.cells_per_stack)]
        self.blocks = nn.Sequential(*blocks)
        self.last = nn.Sequential(
            nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()
        )
        self.classifier = nn.Linear(width, classes)

    def features(self, images: Tensor) -> Tensor:
        """Flat features (N, 4 * channels)."""
        features: Tensor = self.last(self.blocks(self.stem(images)))
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.classifier(self.features(images))
        return logits


class _SearchedCell(nn.Module):
    """Each node is the sum of its incoming edges; an edge `none` carries nothing."""

    def __init__(self, cell: Cell, width: int) -> None:
        super().__init__()
        self.edges = nn.ModuleDict(
            {
                f"{start}to{end}": _operation(name, width)
                for (start, end), name in zip(EDGES, cell, strict=True)
                if name != "none"
            }
        )

    def forward(self, images: Tensor) -> Tensor:
        nodes = [images]
        for end in range(1, 4):
            incoming = [
                self.edges[f"{start}to{end}"](node)
                for start, node in enumerate(nodes)
                if f"{start}to{end}" in self.edges
            ]
            nodes.append(sum(incoming[1:], incoming[0]) if incoming else torch.zeros_like(images))
        return nodes[-1]


class _Reduction(nn.Module):
    """A residual block that doubles the channels and halves the maps."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.residual = nn.Sequential(
            _convolution(width, 2 * width, 3, stride=2), _convolution(2 * width, 2 * width, 3)
        )
        self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(width, 2 * width, 1, bias=False))

    def forward(self, images: Tensor) -> Tensor:
        reduced: Tensor = self.shortcut(images) + self.residual(images)
        return reduced


def _operation(name: str, width: int) -> nn.Module:
    if name == "skip_connect":
        return nn.Identity()
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
    return _convolution(width, width, int(name[-1]))


def _convolution(before: int, after: int, side: int, stride: int = 1) -> nn.Module:
    """ReLU, convolution, batch norm, in this order."""
    return nn.Sequential(
        nn.ReLU(),
        nn.Conv2d(before, after, side, stride, padding=side // 2, bias=False),
        nn.BatchNorm2d(after),
    )
