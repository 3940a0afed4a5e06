"""Of many random crops of real images those that a network finds easiest.

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
"""From images (N, C, H, W) to logits (N, classes)."""


@dataclass(frozen=True)
class CropSearch:
    """Which crops are looked at.

    Args:
        candidates: real images of each class, where it has so many.
        crops: of each of them.
        least_scale: smallest share of an image's area that a crop takes.
        side: of the crops in the end, in pixels.
    """

    candidates: int
    crops: int
    least_scale: float
    side: int

    def draws(self, images: int, side: int, generator: torch.Generator) -> list[list[Crop]]:
        """Square crops of so many images with so many pixels per side, image by image."""
        return [
            [random_crop(side, self.least_scale, generator, widest=1) for _ in range(self.crops)]
            for _ in range(images)
        ]


def in_the_middle(crops: Tensor, side: int) -> Tensor:
    """Crops (N, C, h, h) in the middle of images (N, C, side, side) of zeros.

    In a normalised input space zero is the mean colour. Where the margins cannot be alike, the
    lower and the right one are a pixel wider.
    """
    missing = side - crops.shape[2]
    before, after = missing // 2, missing - missing // 2
    return F.pad(crops, (before, after, before, after))


def difficulty(network: Network, crops: Tensor, class_id: int, side: int) -> Tensor:
    """How surprised a network is by the class of crops: - log softmax(f(padded))_c, (N,).

    Args:
        network: f, frozen.
        crops: (N, C, h, h).
        class_id: c.
        side: of the images that the network is used to.
    """
    logits = network(in_the_middle(crops, side))
    labels = torch.full((len(crops),), class_id, device=crops.device)
    return F.cross_entropy(logits, labels, reduction="none")


def best_crops(
    network: Network, images: Tensor, draws: Sequence[Sequence[Crop]], class_id: int, side: int
) -> tuple[Tensor, Tensor]:
    """The easiest crop of each image.

    Args:
        network: that judges.
        images: of one class (N, C, H, H).
        draws: as many crops of each image.
        class_id: of the images.
        side: of the crops in the end, in pixels.

    Returns:
        The crops (N, C, side, side), and how difficult they are (N,).
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

    Of each image its easiest crop counts. Groups take the next ones of the same order.

    Args:
        task: whose real images.
        network: that judges.
        search: which crops are looked at.
        class_id: of the images.
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
        task: whose set.
        candidates: real images of each class that are looked at, where it has so many.
        per_image: crops in each image of the set.

    Raises:
        UserError: where a class has fewer candidates than its images and all groups ask for.
    """
    for class_id, count in enumerate(task.class_counts):
        needed = count * per_image * (task.spec.group + 1)
        images = len(task.class_indices(class_id))
        if min(candidates, images) < needed:
            has = f"candidates={candidates}" if candidates < needed else f"it has {images} images"
            raise UserError(
                f"{needed} crops of class {class_id} are wanted, each of another real image, but "
                f"{has}"
            )
