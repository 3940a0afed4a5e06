"""The augmentations that a training recipe can name."""

from __future__ import annotations

import enum
from collections.abc import Callable

import torch
from torch import Tensor

from .dsa import DSA
from .gentle import OPERATIONS, Gentle
from .layered import Layered

Augment = Callable[[Tensor, torch.Generator], Tensor]
"""From images (N, C, H, W) and a CPU generator to augmented images."""


class Augmentation(enum.Enum):
    """How the images of a mini-batch are augmented."""

    dsa = "dsa"
    """One operation of DSA for the batch; see `DSA`."""
    layered = "layered"
    """Flip, colour, and one of crop, scale and rotate; see `Layered`."""
    layered_upright = "layered_upright"
    """As `layered` without flips, for images whose mirror image may be of another class."""
    color_crop = "color_crop"
    """Colour, then crop, as in `layered`."""
    flip_crop = "flip_crop"
    """Flip and crop (a shift by up to an eighth of the side) of every image, as in `layered`."""
    crop = "crop"
    """As `flip_crop` without flips, for images whose mirror image may be of another class."""
    gentle = "gentle"
    """One operation of a narrow range for the batch; see `Gentle`."""
    gentle_per_image = "gentle_per_image"
    """The same, drawn for every image."""
    gentle_upright = "gentle_upright"
    """As `gentle` without flips, for images whose mirror image may be of another class."""


def augmentation_of(choice: Augmentation, dsa: DSA) -> Augment:
    """The function behind a choice.

    Args:
        choice: from a recipe.
        dsa: the DSA augmentation of the lab.
    """
    if choice is Augmentation.dsa:
        return dsa
    if choice is Augmentation.layered:
        return Layered()
    if choice is Augmentation.layered_upright:
        return Layered(always=("color",))
    if choice is Augmentation.color_crop:
        return Layered(always=("color",), one_of=("crop",))
    if choice is Augmentation.flip_crop:
        return Layered(always=("flip",), one_of=("crop",))
    if choice is Augmentation.crop:
        return Layered(always=(), one_of=("crop",))
    if choice is Augmentation.gentle_upright:
        return Gentle(operations=tuple(name for name in OPERATIONS if name != "flip"))
    return Gentle(per_image=choice is Augmentation.gentle_per_image)
