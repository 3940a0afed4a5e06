"""The tile decoder: several images of a lower resolution stored in one.

J.-H. Kim et al., "Dataset condensation via efficient synthetic-data parameterization" (ICML 2022),
multi-formation, released code.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

FILL = 0.5
"""What pads images whose side is no multiple of the factor; the middle of pixels in [0, 1]."""


def decode_tiles(images: Tensor, factor: int) -> Tensor:
    """Cut images into factor x factor tiles and enlarge each to a whole image.

    Args:
        images: (N, C, H, H), as stored.
        factor: tiles along a side; 1 returns the images themselves.

    Returns:
        (factor^2 N, C, H, H): all images' first tile, then all images' second, row by row;
        bilinear, corners not aligned.
    """
    if factor == 1:
        return images
    side = images.shape[-1]
    tile = -(-side // factor)
    images = F.pad(images, (0, factor * tile - side) * 2, value=FILL)
    tiles = [
        images[:, :, row * tile : (row + 1) * tile, column * tile : (column + 1) * tile]
        for row in range(factor)
        for column in range(factor)
    ]
    return F.interpolate(torch.cat(tiles), size=side, mode="bilinear", align_corners=False)


def decode_labels(labels: Tensor, factor: int) -> Tensor:
    """The labels (factor^2 N, ...) of decoded images, of labels (N, ...)."""
    return torch.cat([labels] * factor**2)
