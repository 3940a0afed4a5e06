"""Cutmix and mixup: whose pixels an image holds, and what share of them is counted."""

from __future__ import annotations

import pytest
import torch

from ddbench.data.augmentation.mixing import cutmix, mixup


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


@pytest.mark.parametrize("seed", range(5))
def test_mixup_adds_two_images_by_their_shares(seed: int) -> None:
    images = torch.randn(5, 2, 6, 8, generator=generator(9), dtype=torch.float64)
    mixed, mixing = mixup(images, 0.8, generator(seed))
    assert sorted(mixing.order.tolist()) == list(range(5))
    for image, own, other in zip(mixed, images, images[mixing.order], strict=True):
        assert torch.allclose(image, mixing.share * own + (1 - mixing.share) * other)


def test_shares_of_mixup_have_the_moments_of_their_beta_distribution() -> None:
    """Mean 1/2 and variance 1 / (4 (2 a + 1)), within five standard errors."""
    images, draws = torch.zeros(2, 1, 1, 1), 2000
    shares = torch.tensor([mixup(images, 0.8, generator(n))[1].share for n in range(draws)])
    variance = 1 / (4 * 2.6)
    assert abs(float(shares.mean()) - 0.5) < 5 * (variance / draws) ** 0.5
    assert abs(float(shares.var()) - variance) < 5 * variance * (2 / draws) ** 0.5
