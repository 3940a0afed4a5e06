"""Functions of many images in parts, so that memory depends on a part and not their number."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint


def in_parts(function: Callable[[Tensor], Tensor], images: Tensor, size: int) -> Tensor:
    """Apply a function to images part by part, recomputing each part in the backward pass.

    Args:
        function: maps images (n, C, H, W) to (n, …), each image by itself, deterministically.
        images: (N, C, H, W).
        size: images at a time. If all fit in one part, nothing is computed twice.
    """
    if len(images) <= size or not torch.is_grad_enabled() or not images.requires_grad:
        return torch.cat([function(part) for part in images.split(size)])
    parts = [
        checkpoint(function, part, use_reentrant=False, preserve_rng_state=False)
        for part in images.split(size)
    ]
    return torch.cat(parts)


def with_mirror_images(values: Tensor) -> Tensor:
    """Images (N, C, H, W) followed by their mirror images: (2N, C, H, W)."""
    return torch.cat([values, values.flip(3)])
