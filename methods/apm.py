"""APM: images on which students err and teachers do not (adversarial prediction matching).

M. Chen, B. Huang, J. Lu, B. Li, Y. Wang, M. Cheng, W. Wang, "Dataset distillation via adversarial
prediction matching" (2023), equation 4 and Algorithm 1, and the released code, which differs from
both: it leaves out the logarithm, adds the cross-entropy once and not per checkpoint, keeps a
student for three updates, and trains it by augmented mini-batch SGD. The defaults are the released
loop; `experiment=apm_equation_4` and `experiment=apm_algorithm_1` are those of the paper.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ddbench import (
    DistilledSet,
    Examples,
    ImagePasses,
    Loss,
    Method,
    MethodSettings,
    Model,
    StepCost,
    Task,
    TrainingRecipe,
    UserError,
    setting,
)
from ddbench.training.loop import predict

from ._apm_training import (
    CheckpointChoice,
    checkpoint_epochs,
    student_recipe,
    teacher_recipe,
)
from ._image_store import Held, ImageStore
from ._lazy_momentum import Descent
from ._prediction_matching import Distance, Network, Objective, matching_gradient

TEACHERS_ASKED = 10  # at most, to rank real images by confidence; each costs a pass over all


class Initial(enum.Enum):
    """Which real images the distilled ones start from."""

    random = "random"
    confident = "confident"


class Adversary(enum.Enum):
    """What the teacher's logits are driven away from."""

    student = "student"
    """The checkpoints of a student: APM."""
    zero = "zero"
    """Logits of 0, so that the teacher's logits grow and no student is needed: a control."""
    nothing = "nothing"
    """No such term, so that only the cross-entropy is left: a control."""


class APM(Method):
    """Adversarial prediction matching.

    With `held=half` only the mini-batch is held as float32. `finish` is the exception: the
    distilled set is float32 (N, C, H, W).
    """

    version = 2
    needs_equal_counts = False

    @dataclass
    class Settings(MethodSettings):
        """Settings of APM; symbols in brackets are the paper's."""

        iterations: int = setting(2500, "updates of the images [R]", low=1, scaled="distilling")
        image_rate: float = setting(1.0, "learning rate of the images", above=0)
        rate_per_image: bool = setting(
            False, "image_rate is per image of the mini-batch, as if the loss were a sum over them"
        )
        image_momentum: float = setting(0.5, "momentum of the images", low=0, high=0.999)
        image_decay: float = setting(
            0.3, "factor on image_rate from the middle on", above=0, high=1
        )
        images_per_update: int = setting(
            0, "mini-batch of images [B]; 0: all", low=0, cost=StepCost.batch
        )
        segment: int = setting(
            50,
            "images at a time through the networks; 0: the mini-batch",
            low=0,
            cost=StepCost.chunk,
        )
        held: Held = setting(
            Held.float32, "images outside the mini-batch: float32 (exact), or half the memory: half"
        )
        initial: Initial = setting(
            Initial.random, "real images to start from: random, or confident (by the teachers)"
        )
        cross_entropy_weight: float = setting(0.1, "weight of the cross-entropy [alpha]", low=0)
        cross_entropy_per_checkpoint: bool = setting(
            False, "cross-entropy counts for each checkpoint (equation 4) or once (released)"
        )
        adversary: Adversary = setting(
            Adversary.student,
            "what the teacher is driven away from: student (APM); zero or nothing (controls)",
        )
        distance: Distance = setting(Distance.l1, "d on logits: l1, mse or kl")
        log_distance: bool = setting(False, "ascend log d (equation 4) or d (released)")
        teachers: int = setting(100, "networks in the teacher pool", low=1)
        teacher_epochs: int = setting(100, "epochs of a teacher", low=1, scaled="teachers")
        teacher_rate: float = setting(0.05, "learning rate of a teacher", above=0)
        student_every: int = setting(3, "updates that a student serves (1 in Algorithm 1)", low=1)
        checkpoints: int = setting(5, "checkpoints of a student [K]", low=1)
        checkpoint_choice: CheckpointChoice = setting(
            CheckpointChoice.spread, "epochs of the checkpoints: spread (APM), first or last"
        )
        student_epochs: int = setting(250, "epochs of a student [E]", low=1, cost=StepCost.repeats)
        student_rate: float = setting(0.02, "learning rate of a student", above=0)
        student_momentum: float = setting(0.9, "momentum of a student", low=0, high=0.999)
        student_weight_decay: float = setting(5e-4, "weight decay of a student", low=0)
        student_batch: int = setting(256, "mini-batch of a student", low=1, cost=StepCost.batch)
        student_augment: bool = setting(True, "DSA augmentation of a student's images")
        student_decay: bool = setting(True, "multiply the student's rate by 0.1 halfway")
        evaluation_rate: float = setting(
            0.02, "learning rate of students under protocol paper/1 [lr_net]", above=0
        )
        evaluation_epochs: int = setting(1000, "epochs of students under protocol paper/1", low=1)

        def __post_init__(self) -> None:
            super().__post_init__()
            if self.student_epochs < self.checkpoints:
                raise UserError(
                    f"student_epochs={self.student_epochs}: must be at least "
                    f"checkpoints={self.checkpoints}"
                )

    settings: Settings

    def __init__(self, task: Task, settings: Any) -> None:
        """Derive what the settings determine."""
        super().__init__(task, settings)
        given = self.settings
        self.objective = Objective(
            given.distance,
            given.log_distance,
            given.cross_entropy_weight,
            given.cross_entropy_per_checkpoint,
            given.adversary is not Adversary.nothing,
        )
        self.batch = min(given.images_per_update or task.set_size, task.set_size)
        rate = given.image_rate * (self.batch if given.rate_per_image else 1)
        self.descent = Descent(rate, given.image_momentum, given.image_decay, given.iterations // 2)

    @property
    def total_steps(self) -> int:
        """Updates of the images."""
        return self.settings.iterations

    def image_passes(self) -> ImagePasses:
        """Teachers see the real images; students and the K + 1 matched networks, the mini-batch."""
        given = self.settings
        student = given.checkpoints + (given.student_epochs + 1) / given.student_every
        if given.adversary is not Adversary.student:
            student = 0
        return ImagePasses(
            training=given.teachers * given.teacher_epochs * len(self.task.real),
            distilling=given.iterations * self.batch * (student + 1),
        )

    def begin(self) -> None:
        """Train or find the teachers, and choose the real images to start from."""
        self.pool = self.task.teachers(
            teacher_recipe(self.settings.teacher_epochs, self.settings.teacher_rate),
            self.settings.teachers,
        )
        confident = self.settings.initial is Initial.confident
        start = self._confident_subset() if confident else self.task.real_subset()
        self.labels = self.task.class_ids()
        # The set stays in main memory; only the mini-batch visits the device.
        self.store = ImageStore(self.task.real, start, self.descent, self.settings.held)
        self.teacher_index = 0
        self._loaded: tuple[int, Model] | None = None
        self.checkpoints: list[dict[str, Tensor]] = []

    def step(self, i: int) -> dict[str, float | Tensor]:
        """One update of a mini-batch of images, with a new student every few updates."""
        order = torch.randperm(len(self.store), generator=self.task.generator("mini-batch", i))
        visit = self.store.visit(order[: self.batch].sort().values, i)
        images = self.store.images(visit)
        teacher_index, checkpoints = self.teacher_index, self.checkpoints
        if i % self.settings.student_every == 0:
            choice = self.task.generator("teacher-choice", i)
            teacher_index = int(torch.randint(len(self.pool), (), generator=choice))
        teacher = self._teacher(teacher_index)
        adversary = self.settings.adversary
        if i % self.settings.student_every == 0 and adversary is Adversary.student:
            checkpoints = self._train_student(i, images, predict(teacher, images))
        gradient, scalars = matching_gradient(
            self.objective,
            images,
            self.labels[visit.index].to(self.task.device),
            teacher,
            self._adversaries(checkpoints),
            self.settings.segment,
        )
        change = self.store.update(visit, gradient, i, self.task.generator("rounding", i))
        self.teacher_index, self.checkpoints = teacher_index, checkpoints
        movement = (change.abs() / self.task.pixel_std.view(1, -1, 1, 1)).mean()
        norm = len(images) * gradient.flatten(1).norm(dim=1).mean()
        return {**scalars, "movement": movement, "gradient_norm": norm}

    def finish(self) -> DistilledSet:
        """The images with the raw logits of one teacher of the pool."""
        choice = self.task.generator("label-choice")
        chosen = int(torch.randint(len(self.pool), (), generator=choice))
        teacher = self.pool[chosen]
        images = torch.empty(len(self.store), *self.task.image_shape)
        logits = torch.empty(len(self.store), self.task.classes)
        for index, part in self.store.parts(self.steps):
            images[index], logits[index] = part.cpu(), predict(teacher, part).cpu()
        epochs = self.settings.evaluation_epochs
        return self.task.distilled_set(
            images,
            self.labels,
            evaluation=student_recipe(epochs, self.settings.evaluation_rate),
            soft_labels=logits,
            soft_label_kind="logits",
            labeller=self.pool.reference(chosen),
        )

    def state_dict(self) -> dict[str, Any]:
        """Images, velocities and the student in use."""
        return {
            "images": self.store.state_dict(),
            "teacher_index": self.teacher_index,
            "checkpoints": self.checkpoints,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state."""
        self.store.load_state_dict(state["images"])
        self.teacher_index, self.checkpoints = state["teacher_index"], state["checkpoints"]

    def _teacher(self, index: int) -> Model:
        if self._loaded is None or self._loaded[0] != index:
            self._loaded = (index, self.pool[index])
        return self._loaded[1]

    def _train_student(self, i: int, images: Tensor, targets: Tensor) -> list[dict[str, Tensor]]:
        """Train a fresh student on images (B, C, H, W) and logits; return its K checkpoints."""
        given = self.settings
        kept = checkpoint_epochs(given.checkpoint_choice, given.student_epochs, given.checkpoints)
        recipe = TrainingRecipe(
            epochs=given.student_epochs + 1,
            learning_rate=given.student_rate,
            milestones=(given.student_epochs // 2 + 1,) if given.student_decay else (),
            loss=Loss.l1,
            momentum=given.student_momentum,
            weight_decay=given.student_weight_decay,
            batch_size=given.student_batch,
            augment=given.student_augment,
            snapshot_epochs=tuple(kept),
        )
        student = self.task.new_network("student", i)
        stream = self.task.stream("student-training", i)
        weights = self.task.train(student, Examples(images, targets), recipe, stream)
        return [weights[epoch] for epoch in kept]

    def _adversaries(self, checkpoints: list[dict[str, Tensor]]) -> list[Network]:
        """The networks that the teacher is driven away from; in controls they return zeros."""
        if self.settings.adversary is Adversary.student:
            return [self.task.frozen(weights) for weights in checkpoints]
        classes = self.task.classes
        return [lambda images: images.new_zeros(len(images), classes)] * self.settings.checkpoints

    def _confident_subset(self) -> Tensor:
        """Positions, by class, of the images whose class the teachers are most confident of."""
        real = self.task.real
        teachers = [self.pool[k] for k in range(min(len(self.pool), TEACHERS_ASKED))]
        chosen = []
        for class_id in range(self.task.classes):
            positions = self.task.class_indices(class_id)
            sure = torch.zeros(len(positions))
            for part in torch.arange(len(positions)).split(1000):
                images = real.images(positions[part])
                for teacher in teachers:
                    sure[part] += F.softmax(predict(teacher, images), 1)[:, class_id].cpu()
            ranking = sure.argsort(descending=True, stable=True)
            chosen.append(positions[ranking[self.task.group_slice(class_id)]])
        return torch.cat(chosen)
