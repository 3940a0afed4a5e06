"""Augmentation by several operations at once, which IDC uses to score its sets.

J.-H. Kim et al., "Dataset condensation via efficient synthetic-data parameterization" (ICML 2022),
released code: flip, brightness, saturation and contrast, and one of crop, scale and rotate.
Parameters have the ranges of DSA and are drawn for every image.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from .dsa import DSA

ALWAYS = ("flip", "color")
ONE_OF = ("crop", "scale", "rotate")


@dataclass(frozen=True)
class Layered:
    """The operations in `always`, in this order, then one in `one_of`, drawn for the batch.

    Args:
        ranges: of the parameters.
        always: operations that every batch gets.
        one_of: operations of which every batch gets one.
    """

    ranges: DSA = field(default_factory=lambda: DSA(align_corners=False))
    always: tuple[str, ...] = ALWAYS
    one_of: tuple[str, ...] = ONE_OF

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Augment images (N, C, H, W); the generator, on the CPU, alone determines the draws."""
        count, _, height, width = images.shape
        (chosen,) = torch.randint(len(self.one_of), (1,), generator=generator).tolist()
        for name in (*self.always, self.one_of[chosen]):
            draw = self.ranges.draw_of(name, count, height, width, generator)
            images = self.ranges.apply(images, draw)
        return images
