"""What is scored: a distilled set, and the control that stands beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from ..distilling.distilled_set import DistilledSet
from ..distilling.merging import merged
from ..models.model import Model
from ..store.files import digest
from ..teachers.pool import labeller
from ..teachers.train import train_networks
from ..training.budget import Budget
from ..training.lab import Lab
from ..training.loop import predict
from ..training.recipe import Loss, TrainingRecipe
from .protocols import LABEL_TEACHER, Labels, Protocol


@dataclass(frozen=True)
class TrainingSet:
    """Images with the labels and the recipe that one protocol gives them.

    Args:
        images: (N, C, H, W) in the input space, on the CPU.
        targets: (N,) class ids or (N, classes) soft labels, on the CPU.
        recipe: how students are trained, at the budget.
        regime: where the targets come from, for keys and reports.
    """

    images: Tensor
    targets: Tensor
    recipe: TrainingRecipe
    regime: str

    @cached_property
    def content_hash(self) -> str:
        """Hash of images and targets, which every network's key holds."""
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
    """What students are trained on under a protocol.

    Args:
        distilled: the set.
        protocol: the rules.
        budget: scales the epochs.
        lab: where label teachers are trained.
        ipc: of the task, for the frozen table of learning rates.
        like: the set that `distilled` is the control of: under the method's own rules the control
            takes the method's recipe and its kind of labels.

    Raises:
        NotScorable: when a set lacks what the protocol needs.
    """
    distilled = distilled.decoded()
    model = like or distilled
    recipe = protocol.recipe_for(distilled.dataset, ipc)
    images, ids = distilled.images, distilled.labels
    if recipe is None:
        if model.evaluation is None:
            raise NotScorable("the set names no published evaluation")
        recipe = model.evaluation
        if model.learned_rate is not None:
            recipe = replace(recipe, learning_rate=model.learned_rate)
        targets, regime = ids, "class ids"
        if model.soft_labels is not None and distilled is model:
            targets = model.soft_labels
            regime = f"own {model.soft_label_kind}"
            if recipe.loss is Loss.cross_entropy and model.soft_label_kind == "logits":
                targets = targets.softmax(1)
        elif model.soft_labels is not None:
            targets, regime = _labels_of_control(images, ids, model, recipe.loss, lab)
        if recipe.loss is not Loss.cross_entropy and targets.ndim == 1:
            targets = F.one_hot(targets, distilled.classes).float()
            regime = "one-hot class ids"
    elif protocol.labels is Labels.label_teacher:
        targets = _logits(label_teacher(lab, budget), images, lab) * protocol.logit_scale
        regime = "label teacher"
    else:
        targets, regime = ids, "class ids"
    if recipe.mirrored:
        images, targets = torch.cat([images, images.flip(3)]), torch.cat([targets, targets])
    return TrainingSet(images, targets, budget.evaluation_recipe(recipe), regime)


def label_teacher(lab: Lab, budget: Budget) -> Model:
    """The network that labels images where a protocol says so, from the store or trained."""
    recipe = budget.teacher_recipe(LABEL_TEACHER, len(lab.real))
    return train_networks(lab, "label-teacher", recipe, [0])[0]


def _labels_of_control(
    images: Tensor, ids: Tensor, model: DistilledSet, loss: Loss, lab: Lab
) -> tuple[Tensor, str]:
    """Labels of the kind that the method publishes, for the control's images.

    Where a network gave the labels it labels the control, too. Labels that were learned with the
    images have no counterpart: the control takes what they were learned from, its class ids.
    """
    kind = model.soft_label_kind
    if model.labeller:
        network = labeller(lab, model.labeller)
        if network is None:
            raise NotScorable("the network that labelled the set is not in this store")
        logits = _logits(network, images, lab)
        return logits.softmax(1) if kind == "probabilities" else logits, f"own {kind}"
    if kind == "targets":
        one_hot = F.one_hot(ids, model.classes).float()
        return one_hot - 1 / model.classes, "centred class ids"
    if loss is Loss.cross_entropy:
        return ids, "class ids"
    raise NotScorable("the set does not name the network that labelled it")


def _logits(network: torch.nn.Module, images: Tensor, lab: Lab) -> Tensor:
    return predict(network, images.to(lab.runtime.execution.device)).cpu()


def merged_training_set(
    sets: Sequence[DistilledSet],
    protocol: Protocol,
    budget: Budget,
    lab: Lab,
    likes: Sequence[DistilledSet] = (),
) -> TrainingSet:
    """What students of the union of sets are trained on under a protocol.

    Args:
        sets: of equally many images.
        protocol: the rules.
        budget: scales the epochs.
        lab: where label teachers are trained.
        likes: the sets that `sets` are the controls of, one for one: under the method's own rules
            each takes the kind of labels, and the labeller, of its own, and all the union's rate.

    Raises:
        NotScorable: when a set lacks what the protocol needs.
        UserError: when the sets cannot be merged.
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
