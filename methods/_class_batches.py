"""Real batches class by class, and the augmentation that real and distilled images share."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from ddbench import Task
from ddbench.data.augmentation.dsa import DSA, Draw


def real_batches(task: Task, classes: Sequence[int], n: int, *use: int | str) -> list[Tensor]:
    """Real images (n, C, H, W) of each class, or all images of a smaller class.

    Args:
        task: supplies the images.
        classes: class ids.
        n: images per class, drawn without replacement.
        use: names the draw; each class has its own generator, so that classes may be requested
            together or one by one.
    """
    positions = []
    for class_id in classes:
        own = task.class_indices(class_id)
        generator = task.generator("real-batch", *use, class_id)
        positions.append(own[torch.randperm(len(own), generator=generator)[:n]])
    images = task.real.images(torch.cat(positions))
    return list(images.split([len(chosen) for chosen in positions]))


def siamese_draws(task: Task, dsa: DSA, classes: Sequence[int], *use: int | str) -> list[Draw]:
    """Draw one operation with one set of parameters for each class (DSA, equation 2).

    Args:
        task: supplies the image shape and the random numbers.
        dsa: the augmentation.
        classes: class ids.
        use: names the draw; each class has its own generator.
    """
    _, height, width = task.image_shape
    return [
        dsa.draw(1, height, width, task.generator("siamese", *use, class_id))
        for class_id in classes
    ]


def augment_alike(dsa: DSA, batches: Sequence[Tensor], draws: Sequence[Draw]) -> list[Tensor]:
    """Apply the i-th draw to the whole i-th batch, with one call per distinct operation.

    Args:
        dsa: the augmentation.
        batches: images (n_i, C, H, W); batch sizes may differ.
        draws: each with one set of parameters.
    """
    augmented = list(batches)

    def operation(k: int) -> str:
        return draws[k].operation

    for name, group in groupby(sorted(range(len(draws)), key=operation), key=operation):
        members = list(group)
        counts = [len(batches[k]) for k in members]
        parameters = {
            key: torch.cat([draws[k].parameters[key] for k in members])
            for key in draws[members[0]].parameters
        }
        draw = Draw(name, parameters).repeat(counts)
        done = dsa.apply(torch.cat([batches[k] for k in members]), draw).split(counts)
        for k, part in zip(members, done, strict=True):
            augmented[k] = part
    return augmented


def mixes_images(network: nn.Module) -> bool:
    """Whether an image's features depend on the other images of its batch (batch norm)."""
    return any(isinstance(module, _BatchNorm) for module in network.modules())
