"""The labels that a protocol gives to images, from class ids to those of a teacher."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..models.model import Model
from ..models.spec import ModelSpec
from ..teachers.pool import TrainedNetworks
from ..teachers.train import train_networks
from ..training.budget import Budget
from ..training.lab import Lab
from ..training.loop import Weights, predict
from .protocols import LABEL_TEACHER, Labels, Protocol
from .ridge_labels import ridge_labels


@dataclass(frozen=True)
class OnlineTeacher:
    """A network that labels each training batch, by value, so that it can be sent to processes.

    Args:
        model: its architecture.
        weights: its weights, on the CPU.
        reference: its reference in the store, "KEY@EPOCH".
    """

    model: ModelSpec
    weights: Weights
    reference: str

    def network(self, lab: Lab) -> Model:
        """The frozen network, on the device of a lab."""
        return lab.with_model(self.model).frozen(self.weights)

    @property
    def nbytes(self) -> int:
        """Bytes of its weights."""
        return sum(value.nbytes for value in self.weights.values())


@dataclass(frozen=True)
class Labelled:
    """Labels of N images.

    Args:
        targets: (N,) class ids, or (N, classes) soft labels described by `regime`.
        regime: a readable description of their origin.
        teacher: network that labels each batch instead of the targets; None: the targets are used.
    """

    targets: Tensor
    regime: str
    teacher: OnlineTeacher | None = None


def labels_of(
    protocol: Protocol, images: Tensor, ids: Tensor, lab: Lab, budget: Budget, ipc: int
) -> Labelled:
    """The labels of a protocol that has labels of its own.

    Args:
        protocol: a protocol whose labels are not `Labels.own`.
        images: (N, C, H, W) in the input space, on the CPU.
        ids: class ids (N,).
        lab: the lab in which teachers are trained.
        budget: scales their epochs.
        ipc: the task's ipc, for frozen tables.
    """
    kind, classes = protocol.labels, lab.dataset.classes
    if kind is Labels.hard:
        return Labelled(ids, "class ids")
    if kind is Labels.smoothed:
        return Labelled(smoothed(ids, classes, protocol.smoothing), "smoothed class ids")
    if kind is Labels.early_teacher:
        most = budget.teacher_recipe(LABEL_TEACHER, len(lab.real)).epochs
        recipe = protocol.early_recipe(lab.spec.dataset, ipc, most)
        teacher = train_networks(lab, "early-teacher", recipe, [0])[0]
        probabilities = logits_of(teacher, images, lab).softmax(1)
        return Labelled(probabilities, f"teacher after epoch {recipe.epochs}")
    if kind is Labels.online_teacher:
        whose = "class ids and label teacher" if _keeps_ids(protocol) else "label teacher"
        return Labelled(ids, f"{whose}, online", online_label_teacher(lab, budget))
    teacher = label_teacher(lab, budget)
    if kind is Labels.ridge:
        return Labelled(ridge_labels(teacher, images, lab.real, classes), "ridge regression")
    logits = logits_of(teacher, images, lab)
    if kind is Labels.softened:
        softened = (logits / protocol.temperature).softmax(1)
        return Labelled(softened, f"label teacher at temperature {protocol.temperature:g}")
    return Labelled(logits * protocol.logit_scale, "label teacher")


def _keeps_ids(protocol: Protocol) -> bool:
    return protocol.recipe is not None and protocol.recipe.share_of_ids > 0


def smoothed(ids: Tensor, classes: int, weight: float) -> Tensor:
    """Class ids (N,) as probabilities (N, classes): (1 - w) one-hot + w / classes.

    C. Szegedy et al., "Rethinking the Inception architecture" (CVPR 2016), section 7.
    """
    return (1 - weight) * F.one_hot(ids, classes).float() + weight / classes


def label_teacher(lab: Lab, budget: Budget) -> Model:
    """The network that labels images under some protocols, from the store or trained now."""
    return _label_teachers(lab, budget)[0]


def online_label_teacher(lab: Lab, budget: Budget) -> OnlineTeacher:
    """The same network, for labelling batches during training."""
    networks = _label_teachers(lab, budget)
    weights = networks.weights(0, networks.epochs[-1])
    return OnlineTeacher(lab.model, weights, networks.reference(0))


def _label_teachers(lab: Lab, budget: Budget) -> TrainedNetworks:
    recipe = budget.teacher_recipe(LABEL_TEACHER, len(lab.real))
    return train_networks(lab, "label-teacher", recipe, [0])


def logits_of(network: torch.nn.Module, images: Tensor, lab: Lab) -> Tensor:
    """A network's logits (N, classes) for images (N, C, H, W), on the CPU."""
    return predict(network, images.to(lab.runtime.execution.device)).cpu()
