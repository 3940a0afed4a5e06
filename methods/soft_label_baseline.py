"""Random real images with the probabilities of an early-stopped teacher.

T. Qin, Z. Deng, D. Alvarez-Melis, "A label is worth a thousand images in dataset distillation"
(NeurIPS 2024), and the released code: the soft label baseline. The images are not learned, so what
it gains is due to its labels.
"""

from __future__ import annotations

from dataclasses import dataclass

from ddbench import (
    DistilledSet,
    ImagePasses,
    Method,
    MethodSettings,
    TrainingRecipe,
    setting,
)
from ddbench.training.loop import predict


class SoftLabelBaseline(Method):
    """Real images drawn uniformly, and an early-stopped teacher's prediction for each as it is."""

    needs_equal_counts = False
    selects = True

    @dataclass
    class Settings(MethodSettings):
        """Settings of the teacher, and of students."""

        label_epochs: int = setting(
            20, "epochs after which the training of the teacher stops", low=1
        )
        teacher_rate: float = setting(0.01, "constant learning rate of the teacher", above=0)
        teacher_epoch_steps: int = setting(
            0, "steps after which an epoch of the teacher ends early; 0: all real images", low=0
        )
        student_rate: float = setting(0.01, "learning rate of students", above=0)

    settings: Settings

    def image_passes(self) -> ImagePasses:
        """The teacher's training."""
        recipe = self.teacher_recipe()
        seen = recipe.epochs * recipe.images_per_epoch(len(self.task.real))
        return ImagePasses(training=seen, distilling=0)

    def teacher_recipe(self) -> TrainingRecipe:
        """How the teacher is trained: SGD at a constant rate, not shortened by the budget."""
        given = self.settings
        return TrainingRecipe(
            epochs=given.label_epochs,
            learning_rate=given.teacher_rate,
            epoch_steps=given.teacher_epoch_steps,
        )

    def begin(self) -> None:
        """Train the teacher."""
        self.teachers = self.task.teachers(self.teacher_recipe(), 1)

    def finish(self) -> DistilledSet:
        """The drawn images with their labels."""
        images = self.task.real.images(self.task.real_subset())
        return self.task.distilled_set(
            images,
            self.task.class_ids(),
            evaluation=TrainingRecipe(
                epochs=3000,
                learning_rate=self.settings.student_rate,
                milestones=(750, 1500, 2250),
                decay=0.3,
            ),
            soft_labels=predict(self.teachers[0], images).softmax(1),
            soft_label_kind="probabilities",
            labeller=self.teachers.reference(0),
        )
