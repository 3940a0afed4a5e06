"""RDED: the crops of real images that a teacher finds easiest, and its labels for them.

P. Sun, B. Shi, D. Yu, T. Lin, "On the diversity and realism of distilled dataset: an efficient
dataset distillation paradigm" (CVPR 2024), section 4 and Algorithm 1, and the released code.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from ddbench import (
    DistilledSet,
    ImagePasses,
    Loss,
    Method,
    MethodSettings,
    Task,
    TrainingRecipe,
    setting,
)
from ddbench.distilling.tiles import joined_tiles
from ddbench.training.schedule import Schedule

from ._apm_training import teacher_recipe
from ._easy_crops import CropSearch, check_candidates, easiest_crops

LARGE = 128
"""Pixels per side from which an image is made of four crops, as published."""


def tiled(crops: torch.Tensor, factor: int, side: int) -> torch.Tensor:
    """Images of factor^2 crops each, with the easiest crops in the upper left tile.

    Tile k of image j is crop k N + j, for N images.

    Args:
        crops: the easiest first (factor^2 N, C, h, h), h = side / factor, rounded up.
        factor: rows and columns of tiles.
        side: side of an image.

    Returns:
        (N, C, side, side).
    """
    by_image = crops.unflatten(0, (factor**2, -1)).transpose(0, 1).flatten(0, 1)
    return joined_tiles(by_image, factor, side)


class RDED(Method):
    """The easiest crops of each class."""

    needs_equal_counts = False
    selects = True

    @dataclass
    class Settings(MethodSettings):
        """Settings of RDED; symbols in brackets are the released code's."""

        candidates: int = setting(
            300, "candidate real images per class, all where there are fewer [mipc]", low=1
        )
        crops: int = setting(5, "crops of each of them, of which the easiest counts", low=1)
        least_scale: float = setting(
            0.08, "smallest share of an image's area in a crop", above=0, high=1
        )
        factor: int = setting(
            0,
            f"rows and columns of crops in an image; 0: 1 below {LARGE} pixels per side, then 2",
            low=0,
            high=8,
        )
        teacher_epochs: int = setting(100, "epochs of the teacher", low=1, scaled="teachers")
        teacher_rate: float = setting(0.05, "learning rate of the teacher", above=0)
        teacher_epoch_steps: int = setting(
            0, "steps after which an epoch of the teacher ends early; 0: all real images", low=0
        )
        student_rate: float = setting(
            0.001, "learning rate of students under protocol paper/1", above=0
        )
        student_batch: int = setting(100, "mini-batch of students under protocol paper/1", low=1)
        flipped_students: bool = setting(
            True, "whether the authors' evaluation may flip images; not of digits"
        )

    settings: Settings

    def __init__(self, task: Task, settings: Any) -> None:
        """Check the number of candidates before a teacher is trained.

        Raises:
            UserError: if there are too few.
        """
        super().__init__(task, settings)
        self.side = task.image_shape[1]
        self.factor = self.settings.factor or (1 if self.side < LARGE else 2)
        check_candidates(task, self.settings.candidates, self.factor**2)

    def image_passes(self) -> ImagePasses:
        """The teacher's training, and one forward pass of the crops."""
        given, recipe, real = self.settings, self.teacher_recipe(), len(self.task.real)
        seen = [
            min(given.candidates, len(self.task.class_indices(c))) for c in range(self.task.classes)
        ]
        return ImagePasses(
            training=recipe.epochs * recipe.images_per_epoch(real),
            distilling=given.crops * sum(seen) / 2,
        )

    def teacher_recipe(self) -> TrainingRecipe:
        """How the teacher is trained: like APM's."""
        given = self.settings
        recipe = teacher_recipe(given.teacher_epochs, given.teacher_rate)
        return replace(recipe, epoch_steps=given.teacher_epoch_steps)

    def begin(self) -> None:
        """Choose the crops."""
        given, task = self.settings, self.task
        self.pool = task.teachers(self.teacher_recipe(), 1)
        search = CropSearch(
            given.candidates, given.crops, given.least_scale, -(-self.side // self.factor)
        )
        teacher, per_image = self.pool[0], self.factor**2
        self.images = torch.cat(
            [
                tiled(
                    easiest_crops(task, teacher, search, class_id, count * per_image),
                    self.factor,
                    self.side,
                )
                for class_id, count in enumerate(task.class_counts)
            ]
        )

    def finish(self) -> DistilledSet:
        """The images, with the teacher that labels them as students see them."""
        return self.task.distilled_set(
            self.images,
            self.task.class_ids(),
            evaluation=self.evaluation(),
            labeller=self.pool.reference(0),
        )

    def evaluation(self) -> TrainingRecipe:
        """How the authors train students: the teacher labels each batch after cutmix.

        Their weight decay leaves out biases and norms, and their loss has no factor T^2, which
        makes no difference to AdamW. If images are tiled they also shuffle the tiles and crop at
        random, which is not done here.
        """
        given = self.settings
        return TrainingRecipe(
            epochs=300,
            loss=Loss.kl,
            temperature=20.0,
            learning_rate=given.student_rate,
            optimiser="adamw",
            weight_decay=0.01,
            batch_size=min(given.student_batch, self.task.set_size),
            schedule=Schedule.half_cosine,
            augment=given.flipped_students,
            operations=("flip",),
            cutmix=1.0,
        )
