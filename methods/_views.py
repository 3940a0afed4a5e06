"""How images are looked at while they are recovered: crops, mirror images and shifts, all alike.

Z. Yin, E. Xing, Z. Shen, "Squeeze, recover and relabel" (NeurIPS 2023), and Z. Yin, Z. Shen,
"Dataset distillation via curriculum data synthesis in large data era" (2023), released codes.
"""

from __future__ import annotations

import enum
import math
from dataclasses import dataclass

import torch
from torch import Tensor

from ._random_crops import random_crop


class Curriculum(enum.Enum):
    """How the smallest crop shrinks from the whole image to its least scale."""

    none = "none"
    """It is the least scale from the beginning: SRe2L."""
    step = "step"
    """The whole image, and then at once the least scale."""
    linear = "linear"
    """Along a line."""
    cosine = "cosine"
    """Along half a wave: CDA."""


@dataclass(frozen=True)
class Views:
    """What a batch is turned into before a network sees it; one draw for all its images.

    Args:
        least_scale: smallest share of the area in a random resized crop; 1: no crops.
        curriculum: how the crops come there.
        milestone: share of the iterations after which they are there.
        flips: whether half of the batches are mirrored.
        jitter: the largest shift, in pixels; what leaves at one edge comes in at the other.
        both_ways: whether it is to both sides, or down and to the right alone.
    """

    least_scale: float = 1.0
    curriculum: Curriculum = Curriculum.none
    milestone: float = 0.0
    flips: bool = False
    jitter: int = 0
    both_ways: bool = False

    def scale_at(self, iteration: int, iterations: int) -> float:
        """The smallest share of the area in a crop, at an iteration counted from 0.

        With the way w = iteration / (milestone iterations), below 1, and the least scale s it is 1
        (step), s + (1 - s) (1 - w) (linear) or s + (1 - s) (1 + cos(pi w)) / 2 (cosine); then s.
        """
        end = self.milestone * iterations
        if self.curriculum is Curriculum.none or iteration >= end:
            return self.least_scale
        way, rest = iteration / end, 1 - self.least_scale
        if self.curriculum is Curriculum.step:
            return 1.0
        if self.curriculum is Curriculum.linear:
            return self.least_scale + rest * (1 - way)
        return self.least_scale + rest * (1 + math.cos(math.pi * way)) / 2

    def __call__(
        self, images: Tensor, iteration: int, iterations: int, generator: torch.Generator
    ) -> Tensor:
        """Turn a batch (N, C, H, H).

        Args:
            images: of the batch.
            iteration: counted from 0.
            iterations: of all.
            generator: a CPU generator, which alone determines the draw.
        """
        scale, side = self.scale_at(iteration, iterations), images.shape[2]
        if scale < 1:
            images = random_crop(side, scale, generator).resized(images, side)
        if self.flips and float(torch.rand((), generator=generator)) < 0.5:
            images = images.flip(3)
        low = -self.jitter if self.both_ways else 0
        shifts = torch.randint(low, self.jitter + 1, (2,), generator=generator).tolist()
        return images.roll(shifts, (2, 3))
