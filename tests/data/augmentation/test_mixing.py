"""Cutmix: where the rectangle lies, whose pixels it holds, and what share is counted."""

from __future__ import annotations

import pytest
import torch

from ddbench.data.augmentation.mixing import cutmix


def generator(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", range(20))
def test_every_pixel_is_ones_own_or_the_others_and_the_share_counts_them(seed: int) -> None:
    images = torch.arange(5.0).view(5, 1, 1, 1).expand(5, 2, 6, 8)
    mixed, mixing = cutmix(images, 1.0, generator(seed))
    assert mixing is not None
    for own, other, image in zip(range(5), mixing.order.tolist(), mixed, strict=True):
        share = float((image[0] == own).float().mean()) if own != other else mixing.share
        assert share == pytest.approx(mixing.share)
        assert set(image.unique().tolist()) <= {float(own), float(other)}


def test_batches_are_mixed_as_often_as_asked_and_left_alone_else() -> None:
    images = torch.randn(4, 1, 6, 6, generator=generator(0))
    done = [cutmix(images, 0.25, generator(seed)) for seed in range(400)]
    often = sum(mixing is not None for _, mixing in done)
    assert 60 < often < 140
    assert all(mixed is images for mixed, mixing in done if mixing is None)


def test_the_batch_that_is_given_is_not_changed() -> None:
    images = torch.randn(4, 1, 6, 6, generator=generator(0))
    before = images.clone()
    for seed in range(5):
        cutmix(images, 1.0, generator(seed))
    assert torch.equal(images, before)
