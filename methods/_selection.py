"""Base of methods that choose real images of each class."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor

from ddbench import DistilledSet, Method, Model, Task

from .random import EVALUATION

BATCH = 256  # images at a time through a network


class Selection(Method):
    """Real images of each class, with their class ids.

    The groups of one seed are disjoint: each takes the next images of the same order.
    """

    needs_equal_counts = False
    draws = False
    selects = True

    @abstractmethod
    def class_choice(self, class_id: int, n: int) -> Tensor:
        """Positions (n,) of a class's first `n` images among the training images, on the CPU."""

    @torch.no_grad()
    def begin(self) -> None:
        self.chosen = self.choose()

    def choose(self) -> Tensor:
        """Positions (set_size,) of the chosen images among the training images, by class."""
        own = [self.task.group_slice(class_id) for class_id in range(self.task.classes)]
        return torch.cat([self.class_choice(c, part.stop)[part] for c, part in enumerate(own)])

    def finish(self) -> DistilledSet:
        """The chosen images."""
        images = self.task.real.images(self.chosen)
        labels = self.task.class_ids()
        return self.task.distilled_set(images, labels, evaluation=EVALUATION)


def group_by_group(images: int, n: int, groups: int, pick: Callable[[Tensor], Tensor]) -> Tensor:
    """Choose images for one group after another, each from those that earlier groups have left.

    Args:
        images: number of images to choose from.
        n: how many all groups choose together.
        groups: number of groups, which choose equally many.
        pick: maps the indices of the images that are left to positions (n / groups,) among them.

    Returns:
        Indices (n,) of images, group by group.
    """
    left, chosen = torch.arange(images), []
    for _ in range(groups):
        picked = pick(left)
        chosen.append(left[picked])
        kept = torch.ones(len(left), dtype=torch.bool)
        kept[picked] = False
        left = left[kept]
    return torch.cat(chosen)


def features_of(task: Task, network: Model, positions: Tensor, normalise: bool) -> Tensor:
    """Features (N, F) float64 of real images, on the device.

    Args:
        task: supplies the real images.
        network: computes the features.
        positions: positions of the N images.
        normalise: whether each is divided by its norm.
    """
    parts = [network.features(task.real.images(part)) for part in positions.split(BATCH)]
    features = torch.cat(parts).double()
    return torch.nn.functional.normalize(features) if normalise else features
