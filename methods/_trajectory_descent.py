"""Base of trajectory matching methods: experts, students and the learned step size."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.func import functional_call

from ddbench import (
    DistilledSet,
    ImagePasses,
    SnapshotFormat,
    StepCost,
    Task,
    TrainingRecipe,
    UserError,
    setting,
)

from ._class_batches import mixes_images
from ._image_descent import ImageDescent
from ._step_size import StepSizeForm, divergence, largest_near, moved_step_size
from ._trajectory_matching import Gradient, Parameters, Student

Forward = Callable[[int, Parameters, Tensor], Tensor]


class TrajectoryDescent(ImageDescent):
    """Images updated by the gradient of a student's trajectory, and a learned step size."""

    @dataclass
    class Settings(ImageDescent.Settings):
        """Settings of trajectory matching; symbols in brackets are those of MTT's paper.

        Trajectories in float16 take half the space; on digits at ipc 1 (width 32, 10 steps) the
        images' gradient kept a cosine of .9987 or more to that from float32, and .99 to 1.00 times
        its norm.
        """

        iterations: int = setting(5000, "updates of the images", low=1, scaled="distilling")
        image_rate: float = setting(1000.0, "learning rate of the images", above=0)
        student_steps: int = setting(20, "steps of the student [N]", low=1, cost=StepCost.steps)
        images_per_step: int = setting(
            0, "mini-batch of the student; 0: all images", low=0, cost=StepCost.batch
        )
        expert_epochs: int = setting(3, "epochs of the expert to match [M]", low=1)
        max_start_epoch: int = setting(
            25, "the student starts after fewer epochs of the expert than this [T+]", low=1
        )
        step_size: float = setting(0.01, "initial rate of the student [alpha]", above=0)
        step_size_form: StepSizeForm = setting(
            StepSizeForm.plain,
            "what SGD moves: plain (step_size, as published) or log (its logarithm)",
            left_out_at_default=True,
        )
        step_size_rate: float = setting(1e-5, "learning rate of step_size, or its logarithm", low=0)
        step_size_momentum: float = setting(0.5, "momentum of step_size", low=0, high=0.999)
        experts: int = setting(100, "expert trajectories", low=1)
        trajectory_epochs: int = setting(50, "epochs of an expert", low=1)
        trajectory_rate: float = setting(0.01, "learning rate of an expert", above=0)
        trajectory_epoch_steps: int = setting(
            0, "steps after which an expert's epoch ends early; 0: all real images", low=0
        )
        trajectory_format: SnapshotFormat = setting(
            SnapshotFormat.float32, "numbers in which trajectories are stored: float32 or float16"
        )

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.max_start_epoch - 1 + self.expert_epochs > self.trajectory_epochs:
                raise UserError(
                    f"trajectory_epochs={self.trajectory_epochs}: must be at least max_start_epoch "
                    f"- 1 + expert_epochs = {self.max_start_epoch - 1 + self.expert_epochs}"
                )

    settings: Settings

    @classmethod
    def skip(cls, task: Task) -> str | None:
        """Batch norm statistics are not parameters that a trajectory could match."""
        if mixes_images(task.new_network("structure")):
            return "trajectories of networks with batch norm are not defined"
        return None

    def image_passes(self) -> ImagePasses:
        """Experts see the real images; each step of a student is differentiated twice."""
        given, count = self.settings, self.task.set_size
        batch, recipe = min(given.images_per_step or count, count), self.expert_recipe()
        return ImagePasses(
            training=given.experts * recipe.epochs * recipe.images_per_epoch(len(self.task.real)),
            distilling=3 * given.iterations * given.student_steps * batch,
        )

    def begin(self) -> None:
        super().begin()
        self.pool = self.task.experts(self.expert_recipe(), self.settings.experts)
        # Evaluation mode: dropout would draw a new mask when a step's gradient is recomputed.
        self.network = self.task.new_network("structure").eval()
        self.names = [name for name, _ in self.network.named_parameters()]
        self.choose_start()
        self.step_size = torch.tensor(self.settings.step_size, device=self.task.device)
        self.step_size_velocity = torch.zeros_like(self.step_size)
        if self.settings.step_size_form is StepSizeForm.log:
            self.step_size = largest_near(self.student_of(0)[0])

    def choose_start(self) -> None:
        """Set what the first student learns from, once the experts are known: class ids."""
        self.targets = self.labels.to(self.task.device)

    def expert_recipe(self) -> TrainingRecipe:
        """How experts are trained: plain SGD, with weights kept after every epoch."""
        epochs = self.settings.trajectory_epochs
        return TrainingRecipe(
            epochs=epochs,
            learning_rate=self.settings.trajectory_rate,
            momentum=0.0,
            weight_decay=0.0,
            snapshot_epochs=tuple(range(epochs + 1)),
            epoch_steps=self.settings.trajectory_epoch_steps,
            snapshot_format=self.settings.trajectory_format,
            operations=self.augmentation.strategy,
        )

    @abstractmethod
    def gradient(self, student: Student) -> Gradient:
        """Loss and gradients of one student."""

    def step(self, i: int) -> dict[str, float | Tensor]:
        """Train one student from a random epoch of the next expert."""
        student, targets = self.student_of(i)
        found = self.gradient(student)
        if not found.loss.isfinite():
            raise FloatingPointError(f"step {i}: {divergence(student)}")
        self.targets = targets
        self.update(found)
        return {"loss": found.loss, "step_size": self.step_size, "movement": self.movement()}

    def update(self, found: Gradient) -> bool:
        """Update step size and images; False if the images stay, as their gradient misleads."""
        self.step_size, self.step_size_velocity, near = moved_step_size(
            self.step_size,
            self.step_size_velocity,
            found.step_size,
            self.settings.step_size_form,
            self.settings.step_size_rate,
            self.settings.step_size_momentum,
        )
        if near:
            self.images, self.velocity = self.moved(found.images)
        return near

    def student_of(self, i: int) -> tuple[Student, Tensor]:
        """The student of a step, and its targets."""
        expert, start = self.segment(i)
        targets = self.student_targets(expert, start + self.settings.expert_epochs)
        return self.student(i, expert, start, targets), targets

    def segment(self, i: int) -> tuple[int, int]:
        """The expert of a step, each once before any is repeated, and the epoch to start from."""
        around, place = divmod(i, len(self.pool))
        order = torch.randperm(len(self.pool), generator=self.task.generator("expert", around))
        generator = self.task.generator("start-epoch", i)
        start = torch.randint(self.settings.max_start_epoch, (), generator=generator)
        return int(order[place]), int(start)

    def student_targets(self, expert: int, epoch: int) -> Tensor:
        """What the student learns from: class ids (N,)."""
        return self.targets

    def student(self, i: int, expert: int, start: int, targets: Tensor) -> Student:
        """The student of a step, with its mini-batches and augmentations drawn."""
        given, dsa = self.settings, self.augmentation
        generator = self.task.generator("student", i)
        order = mini_batches(
            len(self.images), given.images_per_step, given.student_steps, generator
        )
        _, height, width = self.task.image_shape
        draws = [dsa.draw(len(positions), height, width, generator) for positions in order]
        order = [positions.to(self.task.device) for positions in order]

        def forward(step: int, parameters: Parameters, batch: Tensor) -> Tensor:
            weights = dict(zip(self.names, parameters, strict=True))
            logits: Tensor = functional_call(self.network, weights, dsa.apply(batch, draws[step]))
            return logits

        return Student(
            *self.lesson(forward, targets, order),
            order,
            self.parameters(expert, start),
            self.parameters(expert, start + given.expert_epochs),
            self.step_size,
        )

    def lesson(
        self, forward: Forward, targets: Tensor, order: Sequence[Tensor]
    ) -> tuple[Forward, Tensor]:
        """The loss of (step, parameters, mini-batch), and the tensor to take mini-batches from.

        Args:
            forward: logits of (step, parameters, images), augmentation included.
            targets: what the student learns from.
            order: positions of each step's mini-batch.
        """

        def loss(step: int, parameters: Parameters, batch: Tensor) -> Tensor:
            return F.cross_entropy(forward(step, parameters, batch), targets[order[step]])

        return loss, self.images

    def parameters(self, expert: int, epoch: int) -> Parameters:
        """An expert's parameters after an epoch, on the device."""
        weights = self.pool.weights(expert, epoch)
        return [weights[name].to(self.task.device) for name in self.names]

    def evaluation(self) -> TrainingRecipe:
        """DSA's evaluation recipe, at the learned rate."""
        return replace(super().evaluation(), learning_rate=float(self.step_size))

    def finish(self) -> DistilledSet:
        return self.task.distilled_set(
            self.images,
            self.labels,
            evaluation=self.evaluation(),
            learned_rate=float(self.step_size),
        )

    def state_dict(self) -> dict[str, Any]:
        return {
            **super().state_dict(),
            "step_size": self.step_size,
            "step_size_velocity": self.step_size_velocity,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.step_size = state["step_size"].to(self.task.device)
        self.step_size_velocity = state["step_size_velocity"].to(self.task.device)


def mini_batches(n: int, size: int, steps: int, generator: torch.Generator) -> list[Tensor]:
    """Positions of each step's mini-batch: every image once before any is repeated.

    Args:
        n: number of images.
        size: images per mini-batch; 0: all images. The last one of a round may be smaller.
        steps: how many mini-batches.
        generator: draws the order.
    """
    batches: list[Tensor] = []
    while len(batches) < steps:
        batches += torch.randperm(n, generator=generator).split(size or n)
    return batches[:steps]
