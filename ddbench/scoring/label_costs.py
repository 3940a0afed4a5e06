"""The cost of a protocol's labels: bytes of storage, and images that a teacher labels."""

from __future__ import annotations

from dataclasses import dataclass

from ..distilling.distilled_set import DistilledSet
from ..runtime.randomness import RandomStream
from ..training.budget import Budget
from ..training.lab import Lab
from .protocols import FIXED_SOFT, Labels, Protocol
from .training_sets import TrainingSet, recipe_at, training_set

SOFT_BYTES = 4
"""Bytes per number of a soft label stored with an image, in float32."""
ONLINE_BYTES = 2
"""Bytes per number of a soft label stored for one epoch, in float16."""


@dataclass(frozen=True)
class LabelCost:
    """The cost of the labels of a set's students under a protocol.

    Args:
        stored: bytes stored with the images: class ids, or fixed soft labels.
        teacher: bytes of the weights of the teacher that labels batches online; None without one.
        labelled_images: images that the teacher labels during the training of one student.
        classes: numbers per label.
    """

    stored: int
    teacher: int | None
    labelled_images: int
    classes: int

    @property
    def every_epoch(self) -> int:
        """Bytes of all labels that the teacher gives to one student if stored as float16."""
        return ONLINE_BYTES * self.classes * self.labelled_images


def label_cost(
    distilled: DistilledSet, protocol: Protocol, budget: Budget, lab: Lab, ipc: int
) -> LabelCost:
    """The cost of labels, computed without training a teacher.

    The decoder of tiles is a rule and costs nothing. A protocol's soft labels belong to the images
    that students see, so there is one per tile.

    Args:
        distilled: the set.
        protocol: the protocol.
        budget: scales the epochs.
        lab: lab of the teacher.
        ipc: the task's ipc, for frozen tables.

    Raises:
        NotScorable: if the set lacks what the protocol needs.
    """
    ids, classes = distilled.labels.nbytes, distilled.classes
    if protocol.labels is Labels.own:
        return _own(distilled, training_set(distilled, protocol, budget, lab, ipc), ids)
    images = len(distilled.decoded())
    if protocol.labels in FIXED_SOFT:
        return LabelCost(SOFT_BYTES * classes * images, None, 0, classes)
    if protocol.labels is not Labels.online_teacher:
        return LabelCost(ids, None, 0, classes)
    recipe = protocol.recipe_for(distilled.dataset, ipc)
    assert recipe is not None
    images *= 2 if recipe.mirrored else 1
    recipe = recipe_at(budget, protocol, recipe, images, classes)
    weights = lab.new_network(RandomStream(0)).state_dict()
    return LabelCost(
        ids,
        sum(value.nbytes for value in weights.values()),
        recipe.epochs * recipe.images_per_epoch(images),
        classes,
    )


def _own(distilled: DistilledSet, made: TrainingSet, ids: int) -> LabelCost:
    """The cost of labels under the set's published evaluation, for which nothing is trained."""
    soft, teacher = distilled.soft_labels, made.teacher
    if teacher is not None:
        return LabelCost(ids, teacher.nbytes, made.images_labelled, distilled.classes)
    return LabelCost(ids if soft is None else soft.nbytes, None, 0, distilled.classes)
