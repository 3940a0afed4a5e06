"""RaT-BPTT: images updated by the gradient through a random window of a network's training.

Y. Feng, R. Vedantam, J. Kempe, "Embarrassingly simple dataset distillation" (ICLR 2024), and the
released code: a fresh network takes steps on the distilled images and is judged by its
cross-entropy on real ones. The gradient is backpropagated through a window of steps that starts at
random, so that networks of every age are trained at bounded cost.

Labels are class ids, as published for CIFAR-10 at 10 images per class; the labels that the authors
learn elsewhere, which are not probabilities, are left out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call

from ddbench import (
    DistilledSet,
    ImagePasses,
    Method,
    MethodSettings,
    StepCost,
    Task,
    TrainingRecipe,
    UserError,
    setting,
)

from ._adam_unroll import AdamState, truncated_gradient
from ._class_batches import mixes_images
from ._image_descent import Initial
from ._real_rounds import RealRounds
from ._trajectory_matching import Parameters, leaves

STUDENT_STEPS = 3000
"""Adam steps in the authors' evaluation; they report the best of 300, 600, 1000, 3000 on test."""
BATCH = 500
"""Maximum number of images in a student's step, which the authors choose for each set."""
NORM_DECAY = 0.9
"""Decay of the moving average of the gradient's norm."""
NORM_LIMIT = 2.0
"""The gradient's norm is clipped to this multiple of its moving average."""


class RaTBPTT(Method):
    """Backpropagation through a random window of a network's training."""

    needs_equal_counts = False

    @dataclass
    class Settings(MethodSettings):
        """Settings of RaT-BPTT; symbols in brackets are those of the paper."""

        iterations: int = setting(600_000, "updates of the images", low=1, scaled="distilling")
        rate: float = setting(0.001, "learning rate of the images (Adam)", above=0)
        real_batch: int = setting(5000, "real images per update, of all classes", low=1)
        total: int = setting(
            200, "training steps of a network at most [T]", low=1, cost=StepCost.repeats
        )
        window: int = setting(
            60, "last steps of a network to backpropagate through [M]", low=1, cost=StepCost.steps
        )
        least: int = setting(0, "training steps before the window at least", low=0)
        step_rate: float = setting(0.001, "learning rate of a network (Adam)", above=0)
        images_per_class: int = setting(
            0, "distilled images of a class in a network's step; 0: all", low=0
        )
        classes_per_step: int = setting(0, "classes in a network's step; 0: all", low=0)
        initial: Initial = setting(Initial.noise, "images to start from: real or noise")
        operations: list[str] = setting(
            ["flip", "rotate"],
            "operations of DSA, in distilling and in the authors' evaluation",
        )
        part: int = setting(
            500, "real images at a time through a network", low=1, cost=StepCost.chunk
        )

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.least + self.window > self.total:
                raise UserError(
                    f"total={self.total}: must be at least least + window = "
                    f"{self.least + self.window}"
                )

    settings: Settings

    def __init__(self, task: Task, settings: Any) -> None:
        """Use the task's augmentation with the operations given in the settings.

        Raises:
            UserError: for an unknown operation.
        """
        super().__init__(task, settings)
        self.augmentation = replace(task.augmentation, strategy=tuple(self.settings.operations))

    @classmethod
    def skip(cls, task: Task) -> str | None:
        """Batch norm statistics are not parameters that a gradient could pass through."""
        if mixes_images(task.new_network("structure")):
            return "steps of networks with batch norm are not followed"
        return None

    @property
    def total_steps(self) -> int:
        return self.settings.iterations

    def image_passes(self) -> ImagePasses:
        """Steps before the window count once, those in it three times, and real images once."""
        given = self.settings
        before = (given.least + given.total - given.window) / 2
        counts = [min(given.images_per_class or n, n) for n in self.task.class_counts]
        share = min(given.classes_per_step or self.task.classes, self.task.classes) / len(counts)
        real = min(given.real_batch, len(self.task.real))
        steps = (before + 3 * given.window) * sum(counts) * share
        return ImagePasses(0, given.iterations * (steps + real))

    def begin(self) -> None:
        task = self.task
        self.labels = task.class_ids()
        if self.settings.initial is Initial.real:
            start = task.real.images(task.real_subset())
        else:
            noise = torch.randn(
                (task.set_size, *task.image_shape), generator=task.generator("noise")
            )
            start = noise / noise.flatten(1).norm(dim=1).view(-1, 1, 1, 1)
        self.start = start.to(task.device)
        self.images = self.start.clone()
        self.optimiser = torch.optim.Adam([self.images], lr=self.settings.rate)
        self.mean_norm = torch.zeros((), device=task.device)
        self.real = RealRounds(task, self.settings.real_batch)
        # Evaluation mode: dropout would draw a new mask when a step's gradient is recomputed.
        self.network = task.new_network("structure").eval()
        self.names = [name for name, _ in self.network.named_parameters()]

    def step(self, i: int) -> dict[str, float | Tensor]:
        """Train a fresh network on the images, and update them by the gradient of its last loss."""
        given, task = self.settings, self.task
        steps = self.steps_before(i) + given.window
        _, height, width = task.image_shape
        generator = task.generator("network-steps", i)
        order = [self.mini_batch(generator) for _ in range(steps)]
        draws = [
            self.augmentation.draw(len(positions), height, width, generator) for positions in order
        ]
        labels = self.labels.to(task.device)
        order = [positions.to(task.device) for positions in order]

        def loss(step: int, parameters: Parameters, batch: Tensor) -> Tensor:
            seen = self.augmentation.apply(batch, draws[step])
            return F.cross_entropy(self.logits(parameters, seen), labels[order[step]])

        found = truncated_gradient(
            loss,
            self.images,
            order,
            AdamState.fresh([p.detach() for p in task.new_network("network", i).parameters()]),
            given.step_rate,
            given.window,
            lambda parameters: self.judged(parameters, i),
        )
        if not found.loss.isfinite():
            raise FloatingPointError(
                f"step {i}: the loss is not finite; a smaller method.step_rate may help"
            )
        norm = found.images.norm()
        self.mean_norm = norm if i == 0 else self.mean_norm.lerp(norm, 1 - NORM_DECAY)
        self.images.grad = found.images * (NORM_LIMIT * self.mean_norm / norm).clamp(max=1)
        self.optimiser.step()
        return {"loss": found.loss, "movement": self.movement()}

    def steps_before(self, i: int) -> int:
        """Steps of a network before the window, drawn for each round of the real images."""
        given = self.settings
        generator = self.task.generator("window", i // self.real.batches)
        return int(
            torch.randint(given.least, given.total - given.window + 1, (), generator=generator)
        )

    def mini_batch(self, generator: torch.Generator) -> Tensor:
        """Positions of distilled images for a step of a network, class by class."""
        given, counts = self.settings, self.task.class_counts
        classes = torch.randperm(len(counts), generator=generator)
        ends = torch.tensor(counts).cumsum(0)
        chosen = []
        for class_id in classes[: given.classes_per_step or None].sort().values.tolist():
            own = torch.randperm(counts[class_id], generator=generator)
            chosen.append(own[: given.images_per_class or None] + ends[class_id] - counts[class_id])
        return torch.cat(chosen)

    def logits(self, parameters: Parameters, images: Tensor) -> Tensor:
        """Logits of a network with these parameters."""
        weights = dict(zip(self.names, parameters, strict=True))
        logits: Tensor = functional_call(self.network, weights, images)
        return logits

    def judged(self, parameters: Parameters, i: int) -> tuple[Tensor, list[Tensor]]:
        """Mean cross-entropy on the real images of a step, and its gradient, part by part."""
        images, class_ids = self.real.batch(i)
        _, height, width = self.task.image_shape
        generator = self.task.generator("judge", i)
        images = self.augmentation.apply(
            images, self.augmentation.draw(len(images), height, width, generator)
        )
        total, gradient = images.new_zeros(()), [torch.zeros_like(p) for p in parameters]
        at, size = leaves(parameters), self.settings.part
        for part, wanted in zip(images.split(size), class_ids.split(size), strict=True):
            loss = F.cross_entropy(self.logits(at, part), wanted, reduction="sum") / len(images)
            found = torch.autograd.grad(loss, at)
            gradient = [g + part_of for g, part_of in zip(gradient, found, strict=True)]
            total = total + loss.detach()
        return total, gradient

    def movement(self) -> Tensor:
        """Mean absolute change of pixels since the start."""
        return (self.images - self.start).abs().mean()

    def evaluation(self) -> TrainingRecipe:
        """How the authors train students: Adam, and the augmentation of distilling."""
        size = self.task.set_size
        batch = min(size, BATCH)
        return TrainingRecipe(
            epochs=max(1, round(STUDENT_STEPS / math.ceil(size / batch))),
            learning_rate=0.001,
            optimiser="adam",
            weight_decay=0.0,
            batch_size=batch,
            operations=self.augmentation.strategy,
        )

    def finish(self) -> DistilledSet:
        return self.task.distilled_set(self.images, self.labels, evaluation=self.evaluation())

    def state_dict(self) -> dict[str, Any]:
        return {
            "images": self.images,
            "optimiser": self.optimiser.state_dict(),
            "mean_norm": self.mean_norm,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.images.copy_(state["images"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.mean_norm = state["mean_norm"].to(self.task.device)
