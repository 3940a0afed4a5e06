"""Base of methods that choose real images by the dynamics of training on all of them.

They all use the same training run, which the store keeps once per dataset and model. Its defaults
are those of the released code of CCS (Zheng et al., ICLR 2023): 200 epochs of SGD, rate 0.1 with
cosine decay. Its augmentation and network are the task's.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ddbench import ImagePasses, MethodSettings, TrainingRecipe, setting
from ddbench.training.dynamics import TrainingDynamics
from ddbench.training.schedule import Schedule

from ._difficulty import Score, difficulty
from ._selection import Selection


class DynamicsSelection(Selection):
    """Selection of each class's images by their difficulty.

    Attributes:
        difficulty: (N,) of all training images, higher is harder; the mean over training runs.
    """

    @dataclass
    class Settings(MethodSettings):
        """Settings of a selection by training dynamics."""

        dynamics_epochs: int = setting(
            200, "epochs of the training run whose dynamics are recorded", low=1, scaled="teachers"
        )
        dynamics_rate: float = setting(0.1, "learning rate of that training", above=0)
        networks: int = setting(1, "training runs whose scores are averaged", low=1)

    settings: Settings

    @abstractmethod
    def order(self, difficulty: Tensor, n: int, positions: Tensor) -> Tensor:
        """Choose images of a class.

        Args:
            difficulty: (N,) of the class's images.
            n: how many to choose for this group and those before it, a multiple of the group's.
            positions: (N,) of the class's images among all training images.

        Returns:
            Indices (n,) into `difficulty`.
        """

    def image_passes(self) -> ImagePasses:
        """The training runs whose dynamics are recorded."""
        given = self.settings
        seen = given.networks * given.dynamics_epochs * len(self.task.real)
        return ImagePasses(training=seen, distilling=0)

    def dynamics_recipe(self) -> TrainingRecipe:
        """How the networks whose dynamics are recorded are trained."""
        given = self.settings
        return TrainingRecipe(
            epochs=given.dynamics_epochs,
            learning_rate=given.dynamics_rate,
            schedule=Schedule.cosine,
        )

    @torch.no_grad()
    def begin(self) -> None:
        self.networks = self.task.training_dynamics(self.dynamics_recipe(), self.settings.networks)
        each = [self.measured(self.networks.dynamics(i)) for i in range(self.settings.networks)]
        self.difficulty = torch.stack(each).mean(0)
        super().begin()

    @abstractmethod
    def measured(self, dynamics: TrainingDynamics) -> Tensor:
        """The difficulty (N,) of all training images in one training run."""

    def class_choice(self, class_id: int, n: int) -> Tensor:
        # If the method draws, images of equal difficulty come in an order that the seed decides.
        drawn = self.task.class_order if self.draws else self.task.class_indices
        positions = drawn(class_id)
        return positions[self.order(self.difficulty[positions], n, positions)]


@dataclass
class ScoredSettings(DynamicsSelection.Settings):
    """Settings of a selection whose score can be chosen."""

    score: Score = setting(Score.forgetting, "score that measures how difficult an image is")


class ScoredSelection(DynamicsSelection):
    """Selection by the score named in the settings."""

    Settings = ScoredSettings
    settings: ScoredSettings

    def measured(self, dynamics: TrainingDynamics) -> Tensor:
        return difficulty(self.settings.score, dynamics)


@dataclass
class OrderedSettings(DynamicsSelection.Settings):
    """Settings of a selection by one score."""

    easy_first: bool = setting(False, "the easiest images of a class instead of the hardest")


class OrderedSelection(DynamicsSelection):
    """The hardest images of each class by one score, or the easiest."""

    Settings = OrderedSettings
    settings: OrderedSettings
    score: ClassVar[Score]

    def measured(self, dynamics: TrainingDynamics) -> Tensor:
        return difficulty(self.score, dynamics)

    def order(self, difficulty: Tensor, n: int, positions: Tensor) -> Tensor:
        return by_difficulty(difficulty, self.settings.easy_first)[:n]


def by_difficulty(difficulty: Tensor, easy_first: bool = False) -> Tensor:
    """Indices (N,) of images from the hardest to the easiest, or the other way round.

    Images that are equally difficult keep their order.
    """
    return difficulty.argsort(descending=not easy_first, stable=True)


def hardest_dropped(difficulty: Tensor, share: float) -> tuple[Tensor, Tensor]:
    """Separate the hardest images of a class from the others.

    Args:
        difficulty: (N,) of the class's images.
        share: the share of images to drop; their number is rounded down.

    Returns:
        Indices of the kept images, ascending, and of the dropped ones, the easiest first.
    """
    order, count = by_difficulty(difficulty), int(share * len(difficulty))
    return order[count:].sort().values, order[:count].flip(0)
