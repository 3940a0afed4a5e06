"""Students: networks trained on a small set and tested on real images; each score is stored."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from ..data.real_images import RealImages
from ..records.cost import PhaseCost
from ..runtime.checkpoint import Checkpoint
from ..runtime.randomness import RandomStream
from ..runtime.resumable import run_resumably
from ..runtime.runtime import Product
from ..store.store import Artefact
from ..teachers.train import train_networks
from ..training.budget import Budget
from ..training.lab import Lab
from ..training.loop import Training, images_at_once, predict
from ..training.recipe import Examples
from .protocols import LABEL_TEACHER, Protocol
from .training_sets import TrainingSet

KIND = "score"


@dataclass(frozen=True)
class Score:
    """The accuracy of one network.

    Args:
        accuracy: fraction of images classified correctly, in [0, 1].
        split: "test", or "validation" if a fraction was held out.
        cost: cost of training and testing, or of testing alone if `training_cost` is given.
        key: key of the score in the store.
        diverged: whether its final loss was not finite.
        training_cost: cost of training, if `cost` is that of testing alone.
    """

    accuracy: float
    split: str
    cost: dict[str, Any]
    key: str
    diverged: bool = False
    training_cost: dict[str, Any] | None = None

    @property
    def wall_seconds(self) -> float:
        """Seconds of training and testing together."""
        costs = (self.cost, self.training_cost or {})
        return sum(float(cost.get("wall_seconds", 0)) for cost in costs)


def score_student(
    lab: Lab, training_set: TrainingSet, protocol: Protocol, index: int, title: str
) -> Score:
    """Train evaluation network `index` on a set and score its last step.

    The network starts from the same weights and sees the same random augmentations for every set,
    so that two sets can be compared network by network.
    """
    runtime = lab.runtime

    def make(checkpoint: Checkpoint) -> Product:
        begin = partial(begin_student, lab, training_set, index)
        training, parts = run_resumably(begin, title, runtime, checkpoint)
        cost = PhaseCost.total(part.plain() for part in parts.values())
        with runtime.meter.measure(cost):
            accuracy = accuracy_of(training.network, lab.data.scored)
        diverged = not math.isfinite(float(training.loss))
        return {"accuracy": accuracy, "cost": cost.plain(), "diverged": diverged}, None

    identity = student_identity(lab, training_set, protocol, index)
    return _score(runtime.make_once(KIND, identity, "the same score", make, lab.code), lab)


def known_score(
    lab: Lab, training_set: TrainingSet, protocol: Protocol, index: int
) -> Score | None:
    """The score that `score_student` would find in the store; None if it would have to train."""
    identity = student_identity(lab, training_set, protocol, index)
    found = lab.runtime.find(KIND, identity, lab.code)
    return None if found is None else _score(found, lab)


def begin_student(lab: Lab, training_set: TrainingSet, index: int) -> Training:
    """Evaluation network `index` before its first step on a set."""
    stream = RandomStream(lab.spec.network_seed, ("evaluation", lab.model.name, index))
    device, taught = lab.runtime.execution.device, training_set.teacher
    network = lab.new_network(stream / "weights")
    examples = Examples(training_set.images.to(device), training_set.targets.to(device))
    teacher = taught.network(lab) if taught else None
    return Training(network, examples, training_set.recipe, stream, lab.augmentation, teacher)


def student_identity(
    lab: Lab, training_set: TrainingSet, protocol: Protocol, index: int
) -> dict[str, Any]:
    """Everything that determines a student and its test data, for keys."""
    identity = {
        **lab.identity,
        "evaluated_on": lab.data.scored.split.hash,
        "training_set": training_set.content_hash,
        "recipe": training_set.recipe.plain(),
        "protocol": protocol.label,
        "network": index,
    }
    teacher = training_set.teacher
    return {**identity, "teacher": teacher.reference} if teacher else identity


def score_whole(lab: Lab, budget: Budget, index: int, epochs: int | None = None) -> Score:
    """Train network `index` on all real training images by the teacher recipe, and score it.

    The cost of the score is that of testing; training is counted with the stream `whole`.

    Args:
        lab: data, model, and store.
        budget: scales the epochs.
        index: index of the network.
        epochs: number of epochs; None: the budget's.
    """
    recipe = budget.teacher_recipe(LABEL_TEACHER, len(lab.real))
    if epochs is not None:
        recipe = LABEL_TEACHER.scaled(epochs / LABEL_TEACHER.epochs)
    networks = train_networks(lab, "whole", recipe, [index])
    runtime, scored = lab.runtime, lab.data.scored
    identity = {
        **lab.identity,
        "evaluated_on": scored.split.hash,
        "whole": networks.artefacts[0].key,
    }

    def make(checkpoint: Checkpoint) -> Product:
        with runtime.meter.measure() as cost:
            accuracy = accuracy_of(networks[0], scored)
        return {"accuracy": accuracy, "cost": cost.plain()}, None

    score = _score(runtime.make_once(KIND, identity, "the same score", make, lab.code), lab)
    return replace(score, training_cost=networks.artefacts[0].facts["cost"])


def _score(found: Artefact, lab: Lab) -> Score:
    facts = found.facts
    diverged = facts.get("diverged", False)
    return Score(facts["accuracy"], lab.dataset.scored_name, facts["cost"], found.key, diverged)


def accuracy_of(network: torch.nn.Module, images: RealImages) -> float:
    """The fraction of real images that a network classifies correctly."""
    network.eval()
    correct = torch.zeros((), dtype=torch.int64, device=images.device)
    for index in torch.arange(len(images)).split(images_at_once(images.device)):
        inputs, labels = images.batch(index)
        correct += (predict(network, inputs).argmax(1) == labels).sum()
    return int(correct) / len(images)
