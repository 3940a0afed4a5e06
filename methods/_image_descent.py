"""Base of methods that update images by SGD with momentum and keep their class ids."""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ddbench import DistilledSet, Method, MethodSettings, Task, TrainingRecipe, setting
from ddbench.data.augmentation.dsa import DSA, OPERATIONS

from .random import EVALUATION


class Initial(enum.Enum):
    """What the distilled images start from."""

    real = "real"
    """Random real images of their class, the same for every method."""
    noise = "noise"
    """Standard normal pixels."""


def descended(
    value: Tensor, velocity: Tensor, gradient: Tensor, rate: float, momentum: float
) -> tuple[Tensor, Tensor]:
    """One SGD update: v <- m v + g, then x <- x - r v.

    Args:
        value: x.
        velocity: v, zero before the first update.
        gradient: g.
        rate: r.
        momentum: m.

    Returns:
        The new value and velocity; the arguments are not modified.
    """
    velocity = momentum * velocity + gradient
    return value - rate * velocity, velocity


class ImageDescent(Method):
    """Images with class ids, updated by SGD with momentum; each step computes the gradient."""

    needs_equal_counts = False

    @dataclass
    class Settings(MethodSettings):
        """Settings of the descent."""

        iterations: int = setting(1000, "updates of the images", low=1, scaled="distilling")
        image_rate: float = setting(1.0, "learning rate of the images", above=0)
        image_momentum: float = setting(0.5, "momentum of the images", low=0, high=0.999)
        initial: Initial = setting(Initial.real, "images to start from: real or noise")
        operations: list[str] = setting(
            list(OPERATIONS),
            "operations of DSA, in distilling and in the authors' evaluation",
            left_out_at_default=True,
        )

        def __post_init__(self) -> None:
            super().__post_init__()
            DSA(tuple(self.operations))  # refuses an unknown operation

    settings: Settings

    def __init__(self, task: Task, settings: Any) -> None:
        """Use the task's augmentation with the operations given in the settings."""
        super().__init__(task, settings)
        self.augmentation = replace(task.augmentation, strategy=tuple(self.settings.operations))

    @property
    def total_steps(self) -> int:
        return self.settings.iterations

    def begin(self) -> None:
        self.labels = self.task.class_ids()
        if self.settings.initial is Initial.real:
            start = self.task.real.images(self.task.real_subset())
        else:
            shape = (len(self.labels), *self.task.image_shape)
            start = torch.randn(shape, generator=self.task.generator("noise"))
        self.start = start.to(self.task.device)
        self.pixel_std = self.task.pixel_std.view(1, -1, 1, 1).to(self.task.device)
        self.images = self.start.clone()
        self.velocity = torch.zeros_like(self.images)

    def moved(self, gradient: Tensor) -> tuple[Tensor, Tensor]:
        """Images and velocity (N, C, H, W) after one more update; the state is not modified."""
        return descended(
            self.images,
            self.velocity,
            gradient,
            self.settings.image_rate,
            self.settings.image_momentum,
        )

    def movement(self) -> Tensor:
        """Mean absolute change of pixels since the start, in standard deviations of pixels."""
        return ((self.images - self.start).abs() / self.pixel_std).mean()

    def evaluation(self) -> TrainingRecipe:
        """How the method's authors train students on its sets."""
        return replace(EVALUATION, operations=self.augmentation.strategy)

    def finish(self) -> DistilledSet:
        return self.task.distilled_set(self.images, self.labels, evaluation=self.evaluation())

    def state_dict(self) -> dict[str, Any]:
        return {"images": self.images, "velocity": self.velocity}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.images = state["images"].to(self.task.device)
        self.velocity = state["velocity"].to(self.task.device)
