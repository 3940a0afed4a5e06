"""Base of methods that choose real images by their features in a teacher network."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ddbench import ImagePasses, MethodSettings, TrainingRecipe, setting

from ._apm_training import teacher_recipe
from ._selection import Selection, features_of


class FeatureSelection(Selection):
    """Selection of each class's images by their features."""

    @dataclass
    class Settings(MethodSettings):
        """Settings of a selection by features."""

        teacher_epochs: int = setting(100, "epochs of the teacher", low=1, scaled="teachers")
        teacher_rate: float = setting(0.05, "learning rate of the teacher", above=0)
        teacher_epoch_steps: int = setting(
            0, "steps after which an epoch of the teacher ends early; 0: all real images", low=0
        )
        normalise: bool = setting(True, "features of norm 1")

    settings: Settings

    @abstractmethod
    def order(self, features: Tensor, n: int, class_id: int) -> Tensor:
        """Positions (n,) of a class's chosen images among its features (N, F)."""

    def image_passes(self) -> ImagePasses:
        """The teacher's training, and one forward pass of the real images."""
        recipe, real = self.teacher_recipe(), len(self.task.real)
        seen = recipe.epochs * recipe.images_per_epoch(real)
        return ImagePasses(training=seen, distilling=real / 2)

    def teacher_recipe(self) -> TrainingRecipe:
        """How the teacher is trained: like APM's."""
        given = self.settings
        recipe = teacher_recipe(given.teacher_epochs, given.teacher_rate)
        return replace(recipe, epoch_steps=given.teacher_epoch_steps)

    @torch.no_grad()
    def begin(self) -> None:
        self.teacher = self.task.teachers(self.teacher_recipe(), 1)[0]
        super().begin()

    def class_choice(self, class_id: int, n: int) -> Tensor:
        positions = self.task.class_indices(class_id)
        features = features_of(self.task, self.teacher, positions, self.settings.normalise)
        return positions[self.order(features, n, class_id).cpu()]
