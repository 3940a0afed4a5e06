"""What methods share that choose real images by the features that a teacher gives them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ddbench import DistilledSet, ImagePasses, Method, MethodSettings, TrainingRecipe, setting

from ._apm_training import teacher_recipe
from .random import EVALUATION

BATCH = 256  # images at a time through the teacher


class Selection(Method):
    """Real images of each class, in an order that depends on the class's features.

    A larger ipc contains the smaller one's images, and the groups of one seed are disjoint: each
    takes the next ones of the same order.
    """

    needs_equal_counts = False
    draws = False

    @dataclass
    class Settings(MethodSettings):
        """Settings of a selection."""

        teacher_epochs: int = setting(100, "epochs of the teacher", low=1, scaled="teachers")
        teacher_rate: float = setting(0.05, "learning rate of the teacher", above=0)
        teacher_epoch_steps: int = setting(
            0, "steps after which an epoch of the teacher ends early; 0: all real images", low=0
        )
        normalise: bool = setting(True, "features of length 1")

    settings: Settings

    @abstractmethod
    def order(self, features: Tensor, n: int) -> Tensor:
        """Positions (n,) of the chosen images of one class in its features (N, F)."""

    def image_passes(self) -> ImagePasses:
        """A teacher, and the real images forward through it."""
        recipe, real = self.teacher_recipe(), len(self.task.real)
        seen = recipe.epochs * recipe.images_per_epoch(real)
        return ImagePasses(training=seen, distilling=real / 2)

    def teacher_recipe(self) -> TrainingRecipe:
        """How the teacher is trained: as APM's."""
        given = self.settings
        recipe = teacher_recipe(given.teacher_epochs, given.teacher_rate)
        return replace(recipe, epoch_steps=given.teacher_epoch_steps)

    @torch.no_grad()
    def begin(self) -> None:
        teacher = self.task.teachers(self.teacher_recipe(), 1)[0]
        chosen = []
        for class_id in range(self.task.classes):
            positions = self.task.class_indices(class_id)
            parts = [teacher.features(self.task.real.images(p)) for p in positions.split(BATCH)]
            features = torch.cat(parts).double()
            if self.settings.normalise:
                features = torch.nn.functional.normalize(features)
            own = self.task.group_slice(class_id)
            order = self.order(features, own.stop)
            chosen.append(positions[order[own].cpu()])
        self.chosen = torch.cat(chosen)

    def finish(self) -> DistilledSet:
        """The chosen images."""
        images = self.task.real.images(self.chosen)
        labels = self.task.class_ids()
        return self.task.distilled_set(images, labels, evaluation=EVALUATION)
