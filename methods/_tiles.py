"""Distilled images that are each made of several small ones, and how their students are trained.

J.-H. Kim et al., "Dataset condensation via efficient synthetic-data parameterization" (ICML 2022),
section 3, and the released code.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ddbench import Task, TrainingRecipe
from ddbench.data.augmentation.choices import Augmentation
from ddbench.distilling.tiles import encode_tiles


def tiles_of_real_images(task: Task, factor: int) -> Tensor:
    """Images (N, C, H, W), each of factor^2 shrunken real images of its class, on the device.

    A factor of 1 gives the images that every method starts from.
    """
    if factor == 1:
        return task.real.images(task.real_subset())
    images = [
        task.sample_class(class_id, count * factor**2, task.generator("tiles", class_id))
        for class_id, count in enumerate(task.class_counts)
    ]
    return encode_tiles(torch.cat(images), factor)


def tile_grey(task: Task) -> Tensor:
    """Middle grey (C, 1, 1) in the input space, which fills tiles at the edge."""
    mean, std = task.channel_statistics
    return ((0.5 - mean) / std).view(-1, 1, 1).to(task.device)


def evaluation(flips: bool) -> TrainingRecipe:
    """How the authors train students on CIFAR-10: colour, one of three warps, cutmix.

    For their other datasets they use other warps, a distinction that is not made here.

    Args:
        flips: whether images are mirrored.
    """
    return TrainingRecipe(
        epochs=1000,
        learning_rate=0.01,
        milestones=(666, 833),
        decay=0.2,
        batch_size=64,
        augmentation=Augmentation.layered if flips else Augmentation.layered_upright,
        cutmix=0.5,
    )
