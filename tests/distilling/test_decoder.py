"""The tile decoder against a loop over tiles."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from ddbench.distilling.decoder import decode_labels, decode_tiles


@pytest.mark.parametrize(("side", "factor"), [(8, 2), (9, 2), (8, 3)])
def test_each_tile_becomes_an_image_in_the_published_order(side: int, factor: int) -> None:
    images = torch.rand(3, 2, side, side, generator=torch.Generator().manual_seed(0))
    tile = -(-side // factor)
    padded = torch.full((3, 2, tile * factor, tile * factor), 0.5)
    padded[:, :, :side, :side] = images
    expected = [
        F.interpolate(
            padded[n : n + 1, :, i * tile : (i + 1) * tile, j * tile : (j + 1) * tile],
            size=(side, side),
            mode="bilinear",
            align_corners=False,
        )
        for i in range(factor)
        for j in range(factor)
        for n in range(3)
    ]
    assert torch.equal(decode_tiles(images, factor), torch.cat(expected))


def test_labels_follow_the_images() -> None:
    assert decode_labels(torch.tensor([0, 1]), 2).tolist() == [0, 1] * 4
    assert decode_labels(torch.eye(2), 2).shape == (8, 2)


def test_one_tile_is_the_image_itself() -> None:
    images = torch.rand(2, 1, 4, 4)
    assert decode_tiles(images, 1) is images
