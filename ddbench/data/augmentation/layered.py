"""Augmentation by several operations at once, as efficient parameterisation scores its sets.

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
    """`ALWAYS`, in this order, then one of `ONE_OF`, drawn for the batch.

    Args:
        ranges: of the parameters.
    """

    ranges: DSA = field(default_factory=lambda: DSA(align_corners=False))

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Augment images (N, C, H, W); the generator, on the CPU, alone determines the draws."""
        count, _, height, width = images.shape
        (chosen,) = torch.randint(len(ONE_OF), (1,), generator=generator).tolist()
        for name in (*ALWAYS, ONE_OF[chosen]):
            draw = self.ranges.draw_of(name, count, height, width, generator)
            images = self.ranges.apply(images, draw)
        return images
