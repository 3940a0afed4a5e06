"""The training sets of students: a distilled set or a control, as a protocol uses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from ..distilling.distilled_set import DistilledSet
from ..distilling.merging import merged
from ..store.files import digest
from ..teachers.pool import labeller, stored_labeller
from ..training.budget import Budget
from ..training.lab import Lab
from ..training.loss import Loss
from ..training.recipe import TrainingRecipe
from .labels import Labelled, OnlineTeacher, labels_of, logits_of
from .protocols import Protocol


@dataclass(frozen=True)
class TrainingSet:
    """Images with the labels and the recipe that one protocol gives them.

    Args:
        images: (N, C, H, W) in the input space, on the CPU.
        targets: (N,) class ids or (N, classes) soft labels, on the CPU.
        recipe: how students are trained, at the budget.
        regime: the origin of the targets, for keys and reports.
        teacher: network that labels each batch instead of the targets; None: the targets are used.
    """

    images: Tensor
    targets: Tensor
    recipe: TrainingRecipe
    regime: str
    teacher: OnlineTeacher | None = None

    @property
    def images_labelled(self) -> int:
        """Images that the teacher labels during the training of one student."""
        seen = self.recipe.epochs * self.recipe.images_per_epoch(len(self.images))
        return seen if self.teacher else 0

    @cached_property
    def content_hash(self) -> str:
        """Hash of images and targets, a part of every student's key."""
        images, targets = (part.contiguous().numpy() for part in (self.images, self.targets))
        return digest(images.data, targets.data, str(images.shape).encode())


class NotScorable(Exception):
    """A set cannot be scored under a protocol; the message is the reason."""


def training_set(
    distilled: DistilledSet,
    protocol: Protocol,
    budget: Budget,
    lab: Lab,
    ipc: int,
    like: DistilledSet | None = None,
) -> TrainingSet:
    """The training set of students under a protocol.

    Args:
        distilled: the set.
        protocol: the protocol.
        budget: scales the epochs.
        lab: the lab in which label teachers are trained.
        ipc: the task's ipc, for the frozen tables.
        like: the set that `distilled` is the control of, if it is one: under the method's own
            rules the control takes the method's recipe and kind of labels.

    Raises:
        NotScorable: if a set lacks what the protocol needs.
    """
    distilled = distilled.decoded()
    images, ids = distilled.images, distilled.labels
    recipe = protocol.recipe_for(distilled.dataset, ipc)
    if recipe is None:
        recipe, labelled = _as_published(distilled, like or distilled, lab)
    else:
        labelled = labels_of(protocol, images, ids, lab, budget, ipc)
    targets = labelled.targets
    if recipe.mirrored:
        images, targets = torch.cat([images, images.flip(3)]), torch.cat([targets, targets])
    recipe = recipe_at(budget, protocol, recipe, len(images), distilled.classes)
    return TrainingSet(images, targets, recipe, labelled.regime, labelled.teacher)


def recipe_at(
    budget: Budget, protocol: Protocol, recipe: TrainingRecipe, images: int, classes: int
) -> TrainingRecipe:
    """A protocol's recipe at a budget, for a training set of `images` images."""
    return budget.evaluation_recipe(protocol.of_length(recipe, images, classes))


def _as_published(
    distilled: DistilledSet, model: DistilledSet, lab: Lab
) -> tuple[TrainingRecipe, Labelled]:
    """The published recipe and labels of a set, or of the set that it is the control of."""
    if model.evaluation is None:
        raise NotScorable("the set names no published evaluation")
    recipe, ids = model.evaluation, distilled.labels
    if model.learned_rate is not None:
        recipe = replace(recipe, learning_rate=model.learned_rate)
    if recipe.loss is Loss.kl and model.soft_labels is None:
        return recipe, Labelled(ids, "own teacher, online", _own_teacher(model, lab))
    labelled = Labelled(ids, "class ids")
    if model.soft_labels is not None and distilled is model:
        targets = model.soft_labels
        if recipe.loss is Loss.cross_entropy and model.soft_label_kind == "logits":
            targets = targets.softmax(1)
        labelled = Labelled(targets, f"own {model.soft_label_kind}")
    elif model.soft_labels is not None:
        labelled = _labels_of_control(distilled.images, ids, model, recipe.loss, lab)
    if recipe.loss is not Loss.cross_entropy and labelled.targets.ndim == 1:
        one_hot = F.one_hot(labelled.targets, distilled.classes).float()
        labelled = Labelled(one_hot, "one-hot class ids")
    return recipe, labelled


def _own_teacher(model: DistilledSet, lab: Lab) -> OnlineTeacher:
    """The network that a set names as its labeller, for labelling batches during training."""
    if not model.labeller:
        raise NotScorable("the set does not name the network that labels its images")
    found = stored_labeller(lab, model.labeller)
    if found is None:
        raise NotScorable("the network that labels the set is not in this store")
    return OnlineTeacher(*found, model.labeller)


def _labels_of_control(
    images: Tensor, ids: Tensor, model: DistilledSet, loss: Loss, lab: Lab
) -> Labelled:
    """Labels of the method's published kind, for the control's images.

    If a network gave the set's labels, it labels the control, too. Labels that were learned with
    the images have no counterpart: the control uses what they started from, its class ids.
    """
    kind = model.soft_label_kind
    if model.labeller:
        network = labeller(lab, model.labeller)
        if network is None:
            raise NotScorable("the network that labelled the set is not in this store")
        logits = logits_of(network, images, lab)
        return Labelled(logits.softmax(1) if kind == "probabilities" else logits, f"own {kind}")
    if kind == "targets":
        one_hot = F.one_hot(ids, model.classes).float()
        return Labelled(one_hot - 1 / model.classes, "centred class ids")
    if loss is Loss.cross_entropy:
        return Labelled(ids, "class ids")
    raise NotScorable("the set does not name the network that labelled it")


def merged_training_set(
    sets: Sequence[DistilledSet],
    protocol: Protocol,
    budget: Budget,
    lab: Lab,
    likes: Sequence[DistilledSet] = (),
) -> TrainingSet:
    """The training set of students of a union of sets under a protocol.

    Args:
        sets: sets of equal size.
        protocol: the protocol.
        budget: scales the epochs.
        lab: the lab in which label teachers are trained.
        likes: the sets that `sets` are the controls of, in the same order: under the method's own
            rules each control takes the kind of labels and the labeller of its own set, and all
            take the learning rate of the union.

    Raises:
        NotScorable: if a set lacks what the protocol needs.
        UserError: if the sets cannot be merged.
    """
    union = merged(sets)
    ipc = int(torch.bincount(union.labels).max())
    if not likes:
        return training_set(union, protocol, budget, lab, ipc)
    rate = merged(likes).learned_rate
    parts = [
        training_set(own, protocol, budget, lab, ipc, replace(like, learned_rate=rate))
        for own, like in zip(sets, likes, strict=True)
    ]
    return replace(
        parts[0],
        images=union.images,
        targets=torch.cat([part.targets for part in parts]),
    )
