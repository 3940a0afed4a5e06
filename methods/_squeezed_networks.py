"""Networks with batch norm that real images are squeezed into, whatever norm the task's have."""

from __future__ import annotations

from torch import nn

from ddbench import Model, Task, TrainingRecipe, UserError
from ddbench.data.augmentation.choices import Augmentation
from ddbench.models.spec import ModelSpec
from ddbench.runtime.randomness import RandomStream
from ddbench.training.schedule import Schedule


def squeezed_model(task: Task) -> ModelSpec | None:
    """The task's model with batch norm; None where it has no such form.

    Where the model has a setting `norm`, that is batch; otherwise it must have a BatchNorm2d as it
    is.
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
    """How a network is trained on real images: SGD along a cosine, flips and padded crops.

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
