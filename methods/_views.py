"""Augmentation of images while they are recovered: crops, flips and shifts, the same for a batch.

Z. Yin, E. Xing, Z. Shen, "Squeeze, recover and relabel" (NeurIPS 2023), and Z. Yin, Z. Shen,
"Dataset distillation via curriculum data synthesis in large data era" (2023), released code.
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
    """The least scale from the beginning: SRe2L."""
    step = "step"
    """The whole image, then the least scale at once."""
    linear = "linear"
    """Linear decay."""
    cosine = "cosine"
    """Cosine decay: CDA."""


@dataclass(frozen=True)
class Views:
    """Augmentation of a batch before a network sees it; one draw for all its images.

    Args:
        least_scale: smallest share of the area in a random resized crop; 1: no crops.
        curriculum: how the smallest crop shrinks to it.
        milestone: share of the iterations after which it has shrunk.
        flips: whether half of the batches are mirrored.
        jitter: the largest shift, in pixels; what leaves at one edge comes in at the other.
        both_ways: whether shifts go to all sides, or only down and to the right.
    """

    least_scale: float = 1.0
    curriculum: Curriculum = Curriculum.none
    milestone: float = 0.0
    flips: bool = False
    jitter: int = 0
    both_ways: bool = False

    def scale_at(self, iteration: int, iterations: int) -> float:
        """The smallest share of the area in a crop, at an iteration counted from 0.

        With the progress w = iteration / (milestone iterations) and the least scale s, it is, while
        w < 1, 1 (step), s + (1 - s) (1 - w) (linear) or s + (1 - s) (1 + cos(pi w)) / 2 (cosine);
        then s.
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
        """Augment a batch (N, C, H, H).

        Args:
            images: the batch.
            iteration: counted from 0.
            iterations: total number of iterations.
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
