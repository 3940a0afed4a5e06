"""Batch norm networks that real images are squeezed into, whatever norm the task's model has."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from ddbench import Model, Task, TrainingRecipe, UserError
from ddbench.data.augmentation.choices import Augmentation
from ddbench.models.spec import ModelSpec
from ddbench.runtime.randomness import RandomStream
from ddbench.training.schedule import Schedule

from ._selection import BATCH


def squeezed_model(task: Task) -> ModelSpec | None:
    """The task's model with batch norm; None if it has no such variant.

    If the model has a setting `norm`, it is set to batch; otherwise it must already have a
    BatchNorm2d.
    """
    own = task.spec.model
    if "norm" in own.typed_settings.plain():
        own = ModelSpec(own.name, {**own.settings, "norm": "batch"})
    channels, side, _ = task.image_shape
    try:
        network: Model = own.build(channels, side, task.classes, RandomStream(0))
    except UserError:  # a norm of its own, which has no such value
        return None
    has_norm = any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules())
    return own if has_norm else None


def squeezing_recipe(
    epochs: int, rate: float, batch: int, epoch_steps: int, flips: bool
) -> TrainingRecipe:
    """How a network is trained on real images: SGD with cosine decay, flips and padded crops.

    Z. Yin, E. Xing, Z. Shen, "Squeeze, recover and relabel" (NeurIPS 2023), released code for
    CIFAR-100.

    Args:
        epochs: 200 as published.
        rate: .1 as published.
        batch: 128 as published.
        epoch_steps: steps after which an epoch ends early; 0: all real images.
        flips: whether images are mirrored.
    """
    return TrainingRecipe(
        epochs=epochs,
        learning_rate=rate,
        batch_size=batch,
        epoch_steps=epoch_steps,
        schedule=Schedule.cosine,
        augmentation=Augmentation.flip_crop if flips else Augmentation.crop,
    )


@torch.no_grad()
def accuracy(task: Task, network: Model) -> float:
    """Accuracy of a network on the real images that it was trained on, in [0, 1]."""
    right = 0
    for part in torch.arange(len(task.real), device=task.device).split(BATCH):
        images, class_ids = task.real.batch(part)
        right += int((network(images).argmax(1) == class_ids).sum())
    return right / len(task.real)


def votes(accuracies: Sequence[float], temperature: float) -> list[float]:
    """The weights of networks in a vote: softmax of their accuracies in percent / temperature.

    J. Cui et al., "Dataset distillation via committee voting" (2025), released code, where the
    accuracies are those of students trained on each network's own images.

    Args:
        accuracies: of the networks, in [0, 1].
        temperature: 5 in the released code.
    """
    weights: list[float] = (100 * torch.tensor(accuracies) / temperature).softmax(0).tolist()
    return weights
