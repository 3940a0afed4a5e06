"""CutMix and mixup: each image is mixed with another of the batch, and so is its label.

S. Yun et al., "CutMix" (ICCV 2019), and H. Zhang et al., "mixup" (ICLR 2018), as used in the
evaluation of distilled sets.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True)
class Mixing:
    """How a batch was mixed.

    Args:
        order: position in the batch of the image that each image was mixed with (N,).
        share: share of an image's own pixels, or weight of its own values, in [0, 1].
    """

    order: Tensor
    share: float


def cutmix(
    images: Tensor, probability: float, generator: torch.Generator
) -> tuple[Tensor, Mixing | None]:
    """Mix a batch (N, C, H, W), or leave it as it is.

    The rectangle has relative sides sqrt(1 - l), l uniform in [0, 1], and a centre that is uniform
    over the image. It is clipped, and the share of pixels is counted after that.

    Args:
        images: the batch.
        probability: that the batch is mixed.
        generator: a CPU generator, which alone determines the draws.

    Returns:
        The batch, and how it was mixed; None if it was not.
    """
    mixed, kept, down, across = torch.rand(4, generator=generator).tolist()
    order = torch.randperm(len(images), generator=generator).to(images.device)
    if mixed >= probability:
        return images, None
    height, width = images.shape[2:]
    side = math.sqrt(1 - kept)
    rows, columns = (
        slice(max(0, int(c * n) - int(side * n) // 2), min(n, int(c * n) + int(side * n) // 2))
        for c, n in ((down, height), (across, width))
    )
    images = images.clone()
    images[:, :, rows, columns] = images[order][:, :, rows, columns]
    taken = (rows.stop - rows.start) * (columns.stop - columns.start)
    return images, Mixing(order, 1 - taken / (height * width))


def mixup(
    images: Tensor, concentration: float, generator: torch.Generator
) -> tuple[Tensor, Mixing]:
    """Mix a batch (N, C, H, W): l x_i + (1 - l) x_j, with l ~ Beta(a, a), one for the batch.

    Args:
        images: the batch.
        concentration: a, above 0.
        generator: a CPU generator, which alone determines the draws.

    Returns:
        The batch, and how it was mixed.
    """
    # torch draws from a beta distribution with its global generator only.
    seed = int(torch.randint(2**32, (), generator=generator))
    share = float(np.random.RandomState(seed).beta(concentration, concentration))
    order = torch.randperm(len(images), generator=generator).to(images.device)
    return share * images + (1 - share) * images[order], Mixing(order, share)
