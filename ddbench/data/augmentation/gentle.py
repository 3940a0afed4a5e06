"""Augmentation by small continuous changes, which kernel methods use to score their sets.

Y. Zhou, E. Nezhadarya, J. Ba, "Dataset distillation using neural feature regression" (NeurIPS
2022), released code: one of six operations is drawn for a mini-batch, its parameters for every
image. N. Loo et al., "Dataset distillation with convexified implicit gradients" (ICML 2023) draw
the operation for every image. Ranges are much narrower than those of DSA.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from .operations import brightness, contrast, cutout, flip, rotate, saturation

COLOUR = 0.25
"""Largest shift of brightness, and largest logarithm of the factors of contrast and saturation."""
ZOOM = math.log(1.25)
DEGREES = 15.0
TRANSLATION = 1 / 8
CUTOUT = 1 / 4
"""Shares of the side."""

OPERATIONS = ("flip", "color", "crop", "rotate", "translate", "cutout")


@dataclass(frozen=True)
class Gentle:
    """One of the operations, equally likely, with parameters drawn for every image.

    Args:
        per_image: whether the operation is drawn for every image, not once for the batch.
        operations: the operations to draw from.
    """

    per_image: bool = False
    operations: tuple[str, ...] = OPERATIONS

    def __call__(self, images: Tensor, generator: torch.Generator) -> Tensor:
        """Augment images (N, C, H, W); the generator, on the CPU, alone determines the draws."""
        count = len(images)
        if not self.per_image:
            (chosen,) = torch.randint(len(self.operations), (1,), generator=generator).tolist()
            return _APPLY[self.operations[chosen]](images, generator)
        drawn = torch.randint(len(self.operations), (count,), generator=generator)
        augmented = torch.empty_like(images)
        for number, name in enumerate(self.operations):
            members = (drawn == number).nonzero().flatten()
            if len(members):
                own = members.to(images.device)
                augmented[own] = _APPLY[name](images[own], generator)
        return augmented


def warp(images: Tensor, zoom: Tensor, right: Tensor, down: Tensor) -> Tensor:
    """Sample each pixel at zoom u + shift, u its offset from the middle; bilinear, 0 outside.

    Args:
        images: (N, C, H, W).
        zoom: (N,); above 1 the content becomes smaller.
        right: shift of the sampling positions, in pixels (N,).
        down: likewise, in rows.
    """
    height, width = images.shape[2:]
    zero = torch.zeros_like(zoom)
    rows = [zoom, zero, 2 * right / width, zero, zoom, 2 * down / height]
    theta = torch.stack(rows, dim=1).view(-1, 2, 3).to(images)
    grid = F.affine_grid(theta, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


def _between(low: float, high: float, images: Tensor, generator: torch.Generator) -> Tensor:
    """Uniform draws (N,), on the images' device."""
    draws = torch.rand(len(images), generator=generator) * (high - low) + low
    return draws.to(images.device)


def _flip(images: Tensor, generator: torch.Generator) -> Tensor:
    return flip(images, _between(0, 1, images, generator) < 0.5)


def _color(images: Tensor, generator: torch.Generator) -> Tensor:
    images = brightness(images, _between(-COLOUR, COLOUR, images, generator))
    images = contrast(images, _between(-COLOUR, COLOUR, images, generator).exp())
    return saturation(images, _between(-COLOUR, COLOUR, images, generator).exp())


def _crop(images: Tensor, generator: torch.Generator) -> Tensor:
    height, width = images.shape[2:]
    zoom = _between(-ZOOM, ZOOM, images, generator).exp()
    room = (zoom - 1).abs() / 2
    right = room * width * _between(-1, 1, images, generator)
    return warp(images, zoom, right, room * height * _between(-1, 1, images, generator))


def _rotate(images: Tensor, generator: torch.Generator) -> Tensor:
    largest = math.radians(DEGREES)
    return rotate(images, _between(-largest, largest, images, generator), align_corners=False)


def _translate(images: Tensor, generator: torch.Generator) -> Tensor:
    height, width = images.shape[2:]
    right = TRANSLATION * width * _between(-1, 1, images, generator)
    down = TRANSLATION * height * _between(-1, 1, images, generator)
    return warp(images, torch.ones_like(right), right, down)


def _cutout(images: Tensor, generator: torch.Generator) -> Tensor:
    """Erase a square that lies entirely inside the image."""
    sides = tuple(max(1, round(CUTOUT * side)) for side in images.shape[2:])
    centres = [
        torch.randint(side // 2, whole - side + side // 2 + 1, (len(images),), generator=generator)
        for side, whole in zip(sides, images.shape[2:], strict=True)
    ]
    cy, cx = (centre.to(images.device) for centre in centres)
    return cutout(images, cx, cy, (sides[0], sides[1]))


_APPLY: dict[str, Callable[[Tensor, torch.Generator], Tensor]] = {
    "flip": _flip,
    "color": _color,
    "crop": _crop,
    "rotate": _rotate,
    "translate": _translate,
    "cutout": _cutout,
}
