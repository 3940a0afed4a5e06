"""Functions of many images in parts, so that memory follows a part and not their number."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint


def in_parts(function: Callable[[Tensor], Tensor], images: Tensor, size: int) -> Tensor:
    """A function of images, part by part, recomputed part by part when it is differentiated.

    Args:
        function: maps images (n, C, H, W) to (n, …), each image by itself, without chance.
        images: (N, C, H, W).
        size: images at a time. Where all fit, nothing is computed twice.
    """
    if len(images) <= size or not torch.is_grad_enabled() or not images.requires_grad:
        return torch.cat([function(part) for part in images.split(size)])
    parts = [
        checkpoint(function, part, use_reentrant=False, preserve_rng_state=False)
        for part in images.split(size)
    ]
    return torch.cat(parts)


def with_mirror_images(values: Tensor) -> Tensor:
    """Images (N, C, H, W) and, after them, the mirror image of each (2N, C, H, W)."""
    return torch.cat([values, values.flip(3)])
