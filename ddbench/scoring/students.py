"""Students: networks trained on a small set and tested on real images, one score an artefact."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import torch

from ..data.real_images import RealImages
from ..runtime.randomness import RandomStream
from ..store.store import Artefact
from ..teachers.train import train_networks
from ..training.budget import Budget
from ..training.lab import Lab
from ..training.loop import Training, predict
from ..training.recipe import Examples
from ..training.resumable import train_resumably
from .protocols import LABEL_TEACHER, Protocol
from .training_sets import TrainingSet

EVALUATION_BATCH = 500
KIND = "score"


@dataclass(frozen=True)
class Score:
    """The accuracy of one network.

    Args:
        accuracy: fraction of images classified rightly, in [0, 1].
        split: "test", or "validation" where a fraction was held out.
        cost: of making it.
        key: of the score in the store.
        diverged: whether its loss was no number at the end.
        training_cost: of training, where `cost` is that of testing alone.
    """

    accuracy: float
    split: str
    cost: dict[str, Any]
    key: str
    diverged: bool = False
    training_cost: dict[str, Any] | None = None

    @property
    def wall_seconds(self) -> float:
        """Training and testing together."""
        costs = (self.cost, self.training_cost or {})
        return sum(float(cost.get("wall_seconds", 0)) for cost in costs)


def score_student(
    lab: Lab, training_set: TrainingSet, protocol: Protocol, index: int, title: str
) -> Score:
    """Train evaluation network `index` on a set and score its last step.

    The network starts from the same weights and sees the same augmentation draws for every set, so
    that two sets can be compared network by network.
    """
    context = lab.context
    evaluation = evaluation_images(lab)
    determinants = {
        **lab.identity,
        "evaluated_on": evaluation.split.hash,
        "training_set": training_set.content_hash,
        "recipe": training_set.recipe.plain(),
        "protocol": protocol.label,
        "network": index,
    }
    with context.locked(KIND, determinants, "the same score"):
        found = context.store.find(KIND, determinants)
        if found is None:
            stream = RandomStream(lab.network_seed, ("evaluation", lab.model.name, index))
            network = lab.new_network(stream / "weights")
            device = context.execution.device
            examples = Examples(training_set.images.to(device), training_set.targets.to(device))
            training = Training(network, examples, training_set.recipe, stream, lab.augmentation)
            checkpoint = context.checkpoint(KIND, determinants)
            _, cost = train_resumably(training, title, context, checkpoint)
            with context.meter.measure(cost):
                accuracy = accuracy_of(network, evaluation)
            diverged = not math.isfinite(float(training.loss))
            facts = {"accuracy": accuracy, "cost": cost.plain(), "diverged": diverged}
            found = context.store.save(KIND, determinants, facts)
            checkpoint.remove()
    return _score(found, lab)


def score_whole(lab: Lab, budget: Budget, index: int, epochs: int | None = None) -> Score:
    """Train network `index` on all real training images by the teacher recipe, and score it.

    The cost of the score is that of testing: training is counted with the stream `whole`.

    Args:
        lab: data, model, and where to keep both.
        budget: scales the epochs.
        index: of the network.
        epochs: of the recipe; None: those of the budget.
    """
    recipe = budget.teacher_recipe(LABEL_TEACHER, len(lab.real))
    if epochs is not None:
        recipe = LABEL_TEACHER.scaled(epochs / LABEL_TEACHER.epochs)
    networks = train_networks(lab, "whole", recipe, [index])
    evaluation = evaluation_images(lab)
    determinants = {
        **lab.identity,
        "evaluated_on": evaluation.split.hash,
        "whole": networks.artefacts[0].key,
    }
    context = lab.context
    found = context.store.find(KIND, determinants)
    if found is None:
        with context.meter.measure() as cost:
            accuracy = accuracy_of(networks[0], evaluation)
        facts = {"accuracy": accuracy, "cost": cost.plain()}
        found = context.store.save(KIND, determinants, facts)
    return replace(_score(found, lab), training_cost=networks.artefacts[0].facts["cost"])


def _score(found: Artefact, lab: Lab) -> Score:
    facts, split = found.facts, evaluated_split(lab)
    diverged = facts.get("diverged", False)
    return Score(facts["accuracy"], split, facts["cost"], found.key, diverged)


def evaluated_split(lab: Lab) -> str:
    """Which split is scored: held-out images where there are any, else test."""
    return "test" if lab.dataset.validation is None else "validation"


def evaluation_images(lab: Lab) -> RealImages:
    """The images that students are scored on, in the lab's input space."""
    if lab.evaluation_images is None:
        held_out = lab.dataset.validation
        split = lab.dataset.test if held_out is None else held_out
        lab.evaluation_images = RealImages(split, lab.space, lab.context.execution.device)
    return lab.evaluation_images


def accuracy_of(network: torch.nn.Module, images: RealImages) -> float:
    """The fraction of real images that a network classifies rightly."""
    network.eval()
    correct = torch.zeros((), dtype=torch.int64, device=images.device)
    for index in torch.arange(len(images)).split(EVALUATION_BATCH):
        inputs, labels = images.batch(index)
        correct += (predict(network, inputs, EVALUATION_BATCH).argmax(1) == labels).sum()
    return int(correct) / len(images)
