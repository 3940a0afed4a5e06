"""Random resized crops, drawn as in torchvision but from a given generator."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

TRIES = 10
WIDEST = 4 / 3
"""Usual bound on a crop's aspect ratio: its width over its height, and the inverse."""


@dataclass(frozen=True)
class Crop:
    """A rectangle of an image, in pixels from the upper left corner."""

    top: int
    left: int
    height: int
    width: int

    def resized(self, images: Tensor, side: int) -> Tensor:
        """The rectangle of images (N, C, H, W), resized bilinearly to (N, C, side, side)."""
        rows = slice(self.top, self.top + self.height)
        columns = slice(self.left, self.left + self.width)
        # Enlarging needs no antialiasing, and has a deterministic gradient without it.
        shrinks = max(self.height, self.width) > side
        return F.interpolate(
            images[:, :, rows, columns],
            size=(side, side),
            mode="bilinear",
            align_corners=False,
            antialias=shrinks,
        )


def random_crop(
    side: int, least_scale: float, generator: torch.Generator, widest: float = WIDEST
) -> Crop:
    """Draw a rectangle: uniform in area and in the logarithm of its aspect ratio, then its place.

    With s ~ U(least_scale, 1) and log r ~ U(-log widest, log widest) it is sqrt(s r) sides wide and
    sqrt(s / r) sides high. If it does not fit it is redrawn; after ten tries it is the whole image.

    Args:
        side: side of the square image, in pixels.
        least_scale: smallest share of the image's area, at most 1.
        generator: a CPU generator, which alone determines the draw. A draw takes four numbers from
            it, for area, aspect ratio, row and column, whether they are needed or not.
        widest: bound on the aspect ratio; 1 for squares.
    """
    for _ in range(TRIES):
        area, shape, down, across = torch.rand(4, generator=generator, dtype=torch.float64).tolist()
        scale = least_scale + (1 - least_scale) * area
        ratio = math.exp((2 * shape - 1) * math.log(widest))
        width = max(1, round(side * math.sqrt(scale * ratio)))
        height = max(1, round(side * math.sqrt(scale / ratio)))
        if width <= side and height <= side:
            top, left = int(down * (side - height + 1)), int(across * (side - width + 1))
            return Crop(top, left, height, width)
    return Crop(0, 0, side, side)
