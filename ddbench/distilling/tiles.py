"""Images composed of tiles: cutting them apart and enlarging each tile to a whole image.

The multi-formation decoder of IDC (Kim et al., ICML 2022, Section 3; `decode_zoom` of the released
code), which IDM, DREAM and NCFM share.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def decode_tiles(images: Tensor, factor: int, grey: Tensor | float = 0.5) -> Tensor:
    """Decode each image to factor^2 images: first all images' upper left tiles, then the next.

    Args:
        images: (N, C, H, W), H = W.
        factor: rows and columns of tiles in an image.
        grey: padding value at the right and bottom if the side is not a multiple of the factor, a
            number or (C, 1, 1).

    Returns:
        (factor^2 N, C, H, W), enlarged bilinearly.
    """
    side = images.shape[2]
    padding = -side % factor
    if padding:
        # The released code pads to the next multiple.
        larger = images.new_zeros(*images.shape[:2], side + padding, side + padding) + grey
        larger[:, :, :side, :side] = images
        images = larger
    tile = images.shape[2] // factor
    tiles = [
        images[:, :, row * tile : (row + 1) * tile, column * tile : (column + 1) * tile]
        for row in range(factor)
        for column in range(factor)
    ]
    return F.interpolate(torch.cat(tiles), size=side, mode="bilinear", align_corners=False)


def encode_tiles(images: Tensor, factor: int) -> Tensor:
    """Shrink every factor^2 images to the tiles of one, by nearest-neighbour sampling.

    Args:
        images: (factor^2 N, C, H, W), H = W; the first factor^2 belong to the first image.
        factor: rows and columns of tiles in an image.

    Returns:
        (N, C, H, W). If the side is not a multiple of the factor, the last tiles lose their edge.
    """
    side = images.shape[2]
    return joined_tiles(
        F.interpolate(images, size=-(-side // factor), mode="nearest"), factor, side
    )


def joined_tiles(small: Tensor, factor: int, side: int) -> Tensor:
    """Join every factor^2 small images to one, row by row.

    Args:
        small: (factor^2 N, C, h, h), h = side / factor, rounded up; the first factor^2 belong to
            the first image.
        factor: rows and columns of tiles in an image.
        side: height and width of a joined image.

    Returns:
        (N, C, side, side). If the side is not a multiple of the factor, the last tiles lose their
        edge.
    """
    count, channels, tile, _ = small.shape
    small = small.view(count // factor**2, factor, factor, channels, tile, tile)
    whole = small.permute(0, 3, 1, 4, 2, 5).reshape(-1, channels, factor * tile, factor * tile)
    return whole[:, :, :side, :side].contiguous()
