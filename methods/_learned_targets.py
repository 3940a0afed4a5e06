"""Base of methods that learn images together with the targets of a regression."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddbench import (
    DistilledSet,
    Loss,
    Method,
    MethodSettings,
    StepCost,
    TrainingRecipe,
    setting,
)
from ddbench.data.augmentation.choices import Augmentation
from ddbench.training.schedule import Schedule

from ._kernel_regression import centred
from ._online_networks import OnlineNetworks
from ._real_rounds import RealRounds


class LearnedTargets(Method):
    """Images that start from real ones, and targets that start from centred classes.

    In `begin`, a method sets the optimiser of both and the networks that they are learned through.
    """

    needs_equal_counts = False
    optimiser: torch.optim.Optimizer
    online: OnlineNetworks

    @dataclass
    class Settings(MethodSettings):
        """Settings of images and targets."""

        iterations: int = setting(10_000, "updates of the images", low=1, scaled="distilling")
        real_batch: int = setting(1024, "real images per update, of all classes", low=1)
        mirrored: bool = setting(True, "whether the mirror image of each distilled image is added")
        part: int = setting(
            500, "images at a time through a network; memory follows it", low=1, cost=StepCost.chunk
        )

    settings: Settings

    @property
    def total_steps(self) -> int:
        return self.settings.iterations

    @property
    def seen_images(self) -> int:
        """Number of distilled images that a network sees, mirror images included."""
        return self.task.set_size * (2 if self.settings.mirrored else 1)

    def begin(self) -> None:
        task = self.task
        self.real = RealRounds(task, self.settings.real_batch)
        self.labels = task.class_ids()
        self.start = task.real.images(task.real_subset()).clone()
        self.images = self.start.clone()
        self.targets = centred(self.labels.to(task.device), task.classes)
        self.pixel_std = task.pixel_std.view(1, -1, 1, 1).to(task.device)

    def movement(self) -> Tensor:
        """Mean absolute change of pixels since the start, in standard deviations of pixels."""
        return ((self.images - self.start).abs() / self.pixel_std).mean()

    def state_dict(self) -> dict[str, Any]:
        return {
            "images": self.images,
            "targets": self.targets,
            "optimiser": self.optimiser.state_dict(),
            "online": self.online.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.images.copy_(state["images"])
        self.targets.copy_(state["targets"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.online.load_state_dict(state["online"])

    def as_learned(
        self, images: Tensor, targets: Tensor, evaluation: TrainingRecipe
    ) -> DistilledSet:
        """The distilled set, with the class ids that the images started from."""
        return self.task.distilled_set(
            images,
            self.labels,
            evaluation=evaluation,
            soft_labels=targets,
            soft_label_kind="targets",
        )


def regression_recipe(
    steps: int,
    images: int,
    *,
    learning_rate: float,
    batch_size: int,
    augmentation: Augmentation | None,
    mirrored: bool = False,
) -> TrainingRecipe:
    """Training on learned targets: Adam, 500 warm-up steps, then cosine decay to 1% of the rate.

    Args:
        steps: number of Adam steps.
        images: number of distilled images.
        learning_rate: Adam's learning rate.
        batch_size: images per step.
        augmentation: None for none.
        mirrored: whether the mirror image of each image is added to the set.
    """
    seen = 2 * images if mirrored else images
    return TrainingRecipe(
        epochs=max(1, round(steps / math.ceil(seen / batch_size))),
        learning_rate=learning_rate,
        loss=Loss.half_sum_squares,
        optimiser="adam",
        weight_decay=0.0,
        batch_size=batch_size,
        augment=augmentation is not None,
        augmentation=augmentation or Augmentation.dsa,
        schedule=Schedule.cosine,
        warmup_steps=500,
        final_fraction=0.01,
        mirrored=mirrored,
    )
