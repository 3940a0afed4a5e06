"""DATM: trajectory matching by difficulty, with learned soft labels.

Z. Guo, K. Wang, G. Cazenavette, H. Li, K. Zhang, Y. You, "Towards lossless dataset distillation via
difficulty-aligned trajectory matching" (ICLR 2024), and the released code: students start within a
window of epochs of flat experts, early (easy) for few images and late (hard) for many, whose end
may move to later epochs; images start as real ones that an expert predicts correctly, and labels as
the experts' logits, which are then distilled with the images. The last iteration is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ddbench import DistilledSet, Model, TrainingRecipe, UserError, setting
from ddbench.training.loop import predict

from ._flat_experts import FlatExperts
from ._image_descent import Initial, descended
from ._soft_students import first_right, joined, mean_right_logits, parted, soft_loss
from ._trajectory_descent import Forward
from ._trajectory_matching import Gradient


def latest_start(step: int, first: int, last: int, steps: int) -> int:
    """T: the student of a step starts after fewer epochs than this.

    T = min(T_0 + floor((T_max - T_0) i / E), T_max)

    Args:
        step: i.
        first: T_0.
        last: T_max.
        steps: E; 0: T_max from the beginning.
    """
    return min(first + (last - first) * step // steps, last) if steps else last


class DATM(FlatExperts):
    """Difficulty-aligned trajectory matching."""

    @dataclass
    class Settings(FlatExperts.Settings):
        """Settings of DATM; symbols in brackets are those of the paper."""

        iterations: int = setting(10_000, "updates of the images", low=1, scaled="distilling")
        trajectory_epochs: int = setting(100, "epochs of an expert", low=1)
        min_start_epoch: int = setting(
            0, "the student starts after at least so many epochs of the expert [T-]", low=0
        )
        first_max_start_epoch: int = setting(
            1, "max_start_epoch in the first iteration, where it moves [T]", low=1
        )
        window_iterations: int = setting(
            0, "iterations in which the window's end moves to max_start_epoch; 0: none", low=0
        )
        label_rate: float = setting(2.0, "learning rate of the labels' logits", low=0)
        label_momentum: float = setting(0.9, "momentum of the labels' logits", low=0, high=0.999)
        loss_limit: float = setting(
            1.0, "loss of a student above which nothing is updated", above=0
        )
        easy: bool = setting(
            True, "whether to start from real images that an expert classifies correctly"
        )

        def __post_init__(self) -> None:
            super().__post_init__()
            moves = self.window_iterations > 0
            end = self.first_max_start_epoch if moves else self.max_start_epoch
            if not self.min_start_epoch < end <= self.max_start_epoch:
                name = "first_max_start_epoch" if moves else "max_start_epoch"
                raise UserError(
                    f"{name}={end}: must be above min_start_epoch={self.min_start_epoch} and at "
                    f"most max_start_epoch={self.max_start_epoch}"
                )

    settings: Settings

    def choose_start(self) -> None:
        """Start from easy images and the logits of the experts that predict them correctly."""
        experts = [self.pool[index] for index in range(len(self.pool))]
        if self.settings.easy and self.settings.initial is Initial.real:
            positions = torch.cat([self._easy(c, experts) for c in range(self.task.classes)])
            self.start = self.task.real.images(positions).to(self.task.device)
            self.images = self.start.clone()
        else:
            experts = experts[:1]
        logits = [predict(expert, self.start) for expert in experts]
        self.targets = mean_right_logits(logits, self.labels.to(self.task.device))
        self.target_velocity = torch.zeros_like(self.targets)

    def _easy(self, class_id: int, experts: list[Model]) -> Tensor:
        """Positions of a class's first images that an expert predicts correctly, by group.

        Groups are disjoint. The order of the images is that of `Task.real_subset`.
        """
        own = self.task.class_order(class_id)
        place = self.task.group_slice(class_id)
        images = self.task.real.images
        right = [partial(_right, expert, images, class_id) for expert in experts]
        return first_right(own, place.stop, right)[place]

    def segment(self, i: int) -> tuple[int, int]:
        """The expert of a step, and an epoch in the window to start from."""
        given = self.settings
        expert, _ = super().segment(i)
        end = latest_start(
            i, given.first_max_start_epoch, given.max_start_epoch, given.window_iterations
        )
        generator = self.task.generator("window", i)
        start = torch.randint(given.min_start_epoch, end, (), generator=generator)
        return expert, int(start)

    def lesson(
        self, forward: Forward, targets: Tensor, order: Sequence[Tensor]
    ) -> tuple[Forward, Tensor]:
        """A loss to differentiate with respect to images and labels together."""
        return soft_loss(forward, self.task.image_shape), joined(self.images, targets)

    def update(self, found: Gradient) -> bool:
        """Update images, labels and step size, unless the student's loss is above the limit."""
        given = self.settings
        if found.loss > given.loss_limit:
            return False
        of_images, of_targets = parted(found.images, self.task.image_shape)
        near = super().update(replace(found, images=of_images))
        if near:
            self.targets, self.target_velocity = descended(
                self.targets,
                self.target_velocity,
                of_targets,
                given.label_rate,
                given.label_momentum,
            )
        return near

    def evaluation(self) -> TrainingRecipe:
        """DSA's evaluation recipe, at the learned rate and 128 images per step."""
        return replace(super().evaluation(), batch_size=128)

    def finish(self) -> DistilledSet:
        return self.task.distilled_set(
            self.images,
            self.labels,
            evaluation=self.evaluation(),
            soft_labels=self.targets,
            soft_label_kind="logits",
            learned_rate=float(self.step_size),
        )

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            "targets": self.targets,
            "target_velocity": self.target_velocity,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.targets = state["targets"].to(self.task.device)
        self.target_velocity = state["target_velocity"].to(self.task.device)


def _right(expert: Model, images: Any, class_id: int, positions: Tensor) -> Tensor:
    """Whether an expert predicts the class of the real images at positions (n,)."""
    return predict(expert, images(positions)).argmax(1) == class_id
