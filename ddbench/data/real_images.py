"""The real images of one split, in an input space, on the device."""

from __future__ import annotations

import torch
from torch import Tensor

from .dataset import ImageSplit
from .input_space import InputSpace
from .pixels import Pixels

DEVICE_BYTES = 4 * 2**30
"""Pixels of up to this size are kept on the device; larger ones stay where they are."""
WHITENED_BYTES = 2 * 2**30
"""A split is whitened once, to save large matrix products, if the result is no larger than this.

Both limits depend on sizes alone, never on free memory, since the choice changes bits.
"""


class RealImages:
    """Labelled real images, kept as uint8 and transformed to the input space batch by batch.

    Args:
        split: pixels (N, C, H, W) uint8 and labels (N,).
        space: the input space.
        device: where batches are wanted.
    """

    def __init__(self, split: ImageSplit, space: InputSpace, device: torch.device) -> None:
        self.split = split
        self.space = space.to(device)
        self.device = device
        fits = split.images.numel() <= DEVICE_BYTES
        self.pixels: Pixels = split.images.to(device) if fits else split.images
        self.labels = split.labels.to(device)
        self._whitened: Tensor | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def prepare(self) -> None:
        """Whiten the images now, if they are to be whitened once."""
        worth = self.space.whitens and 4 * self.pixels.numel() <= WHITENED_BYTES
        if worth and self._whitened is None:
            self._whitened = self.space.transform(self.pixels)

    def images(self, index: Tensor) -> Tensor:
        """Images (B, C, H, W) float32 at positions `index` (B,), on the device."""
        self.prepare()
        if self._whitened is not None:
            return self._whitened.index_select(0, index.to(self.device))
        pixels = self.pixels.index_select(0, index.to(self.pixels.device))
        return self.space.transform(pixels)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Images and class ids at positions `index`, on the device."""
        return self.images(index), self.labels.index_select(0, index.to(self.device))

    def class_indices(self, class_id: int) -> Tensor:
        """Positions of a class's images, ascending, on the CPU."""
        return self.split.class_indices(class_id)
