"""The random crops of real images that a network finds easiest.

P. Sun et al., "On the diversity and realism of distilled dataset" (CVPR 2024), section 4, and the
released code.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ddbench import Task, UserError
from ddbench.runtime.randomness import RandomStream

from ._random_crops import Crop, random_crop
from ._selection import BATCH

Network = Callable[[Tensor], Tensor]
"""Maps images (N, C, H, W) to logits (N, classes)."""


@dataclass(frozen=True)
class CropSearch:
    """Which crops are considered.

    Args:
        candidates: real images per class, or all of a smaller class.
        crops: crops per image.
        least_scale: smallest share of an image's area that a crop covers.
        side: side of the resized crops, in pixels.
    """

    candidates: int
    crops: int
    least_scale: float
    side: int

    def draws(self, images: int, side: int, generator: torch.Generator) -> list[list[Crop]]:
        """Draw square crops for `images` images of `side` pixels per side, image by image."""
        return [
            [random_crop(side, self.least_scale, generator, widest=1) for _ in range(self.crops)]
            for _ in range(images)
        ]


def in_the_middle(crops: Tensor, side: int) -> Tensor:
    """Pad crops (N, C, h, h) with zeros on all sides to (N, C, side, side).

    In a normalised input space zero is the mean colour. If the margins cannot be equal, the lower
    and the right one are a pixel wider.
    """
    missing = side - crops.shape[2]
    before, after = missing // 2, missing - missing // 2
    return F.pad(crops, (before, after, before, after))


def difficulty(network: Network, crops: Tensor, class_id: int, side: int) -> Tensor:
    """Cross-entropy (N,) of a network on padded crops of a class: - log softmax(f(padded))_c.

    Args:
        network: f, frozen.
        crops: (N, C, h, h).
        class_id: c.
        side: side of the images that the network expects.
    """
    logits = network(in_the_middle(crops, side))
    labels = torch.full((len(crops),), class_id, device=crops.device)
    return F.cross_entropy(logits, labels, reduction="none")


def best_crops(
    network: Network, images: Tensor, draws: Sequence[Sequence[Crop]], class_id: int, side: int
) -> tuple[Tensor, Tensor]:
    """The easiest crop of each image.

    Args:
        network: judges the crops.
        images: images (N, C, H, H) of one class.
        draws: the crops of each image, equally many.
        class_id: class of the images.
        side: side of the resized crops, in pixels.

    Returns:
        The crops (N, C, side, side), and their difficulty (N,).
    """
    cut = [
        torch.cat([crop.resized(image[None], side) for crop in own])
        for image, own in zip(images, draws, strict=True)
    ]
    crops = torch.stack(cut)
    found = difficulty(network, crops.flatten(0, 1), class_id, images.shape[2])
    least, chosen = found.view(crops.shape[:2]).min(1)
    return crops[torch.arange(len(crops), device=crops.device), chosen], least


@torch.no_grad()
def easiest_crops(
    task: Task, network: Network, search: CropSearch, class_id: int, count: int
) -> Tensor:
    """The easiest crops (count, C, side, side) of a class, the easiest first, on the device.

    Only the easiest crop of each image counts. Each group takes the next ones of the same order.

    Args:
        task: supplies the real images.
        network: judges the crops.
        search: which crops are considered.
        class_id: class of the images.
        count: how many, at most as many as there are candidates for each group.
    """
    positions = task.class_order(class_id)[: search.candidates]
    side = task.image_shape[1]
    stream = RandomStream(task.spec.seed, ("crops", class_id))  # one order for all groups
    draws = search.draws(len(positions), side, stream.generator())
    at_once = max(1, BATCH // search.crops)
    parts = [
        best_crops(
            network,
            task.real.images(positions[start : start + at_once]),
            draws[start : start + at_once],
            class_id,
            search.side,
        )
        for start in range(0, len(positions), at_once)
    ]
    crops, found = (torch.cat(values) for values in zip(*parts, strict=True))
    first = task.spec.group * count
    order = found.argsort(stable=True)[first : first + count]
    return crops[order]


def check_candidates(task: Task, candidates: int, per_image: int) -> None:
    """Refuse too few candidates.

    Args:
        task: the task.
        candidates: real images considered per class, or all of a smaller class.
        per_image: crops in each image of the set.

    Raises:
        UserError: if a class has fewer candidates than this group and those before it need.
    """
    for class_id, count in enumerate(task.class_counts):
        needed = count * per_image * (task.spec.group + 1)
        images = len(task.class_indices(class_id))
        if min(candidates, images) < needed:
            has = f"candidates={candidates}" if candidates < needed else f"it has {images} images"
            raise UserError(
                f"class {class_id} needs {needed} crops, each from a different real image, but "
                f"{has}"
            )
