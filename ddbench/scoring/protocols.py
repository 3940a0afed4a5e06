"""Protocols: named, versioned rules under which students are trained and scored.

Nothing is selected on test data: the last step is scored. A change of rules that changes numbers
increments the version; a result without protocol and version does not enter a leaderboard.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import Any

from ..errors import UserError, unknown_name
from ..plugins.presets import preset
from ..plugins.recipes import nearest_ipc
from ..records.facts import ProtocolFacts
from ..training.recipe import TrainingRecipe
from .protocol_summaries import FILE


class Labels(enum.Enum):
    """The labels that students learn from."""

    own = "own"
    """The set's soft labels if it has any, else its class ids."""
    hard = "hard"
    """Class ids."""
    label_teacher = "label_teacher"
    """Raw logits of one teacher, which is in no method's pool, on unaugmented images."""
    online_teacher = "online_teacher"
    """Outputs of the same teacher for each training batch, after augmentation and mixing."""
    softened = "softened"
    """Probabilities of the same teacher at a temperature, on unaugmented images."""
    early_teacher = "early_teacher"
    """Probabilities of a teacher whose training stops early, on unaugmented images."""
    smoothed = "smoothed"
    """Class ids with label smoothing."""
    ridge = "ridge"
    """Regression targets with which the images best predict the real images' class ids, by kernel
    ridge regression on the features of the label teacher."""


OF_LABEL_TEACHER = {Labels.label_teacher, Labels.online_teacher, Labels.softened, Labels.ridge}
"""Labels that need the label teacher."""
FIXED_SOFT = {Labels.label_teacher, Labels.softened, Labels.early_teacher, Labels.ridge}
"""Soft labels that are fixed before training and do not follow from class ids."""


class Matched(enum.Enum):
    """What is kept equal in training students on sets of different sizes."""

    steps = "steps"
    """Optimiser steps."""
    images = "images"
    """Images seen, and thus the computation."""


@dataclass(frozen=True)
class Protocol:
    """Rules for training students.

    Args:
        name: such as "hard".
        version: incremented when its numbers change.
        labels: the labels that students learn from.
        recipe: how students are trained; None: as published for the set's method.
        summary: a one-line description.
        logit_scale: factor on the label teacher's logits.
        temperature: the temperature that divides logits before the softmax.
        smoothing: the weight that is spread over all classes.
        label_epoch: the epoch after which the early teacher's training stops; None: that of the
            frozen table.
        matched: what is the same for all sizes of sets, namely as for a set with `matched_ipc`
            images per class under the recipe; None: the epochs.
        matched_ipc: see `matched`.
        trial_rate: a learning rate on trial, used to choose the frozen table on validation images;
            results with it are not the protocol's.
    """

    name: str
    version: int
    labels: Labels
    recipe: TrainingRecipe | None
    summary: str
    logit_scale: float = 1.0
    temperature: float = 1.0
    smoothing: float = 0.0
    label_epoch: int | None = None
    matched: Matched | None = None
    matched_ipc: int = 10
    trial_rate: float | None = None

    @property
    def facts(self) -> ProtocolFacts:
        """The protocol as stored in records."""
        return ProtocolFacts(
            name=self.name,
            version=self.version,
            trial_rate=self.trial_rate,
            label_epoch=self.label_epoch,
        )

    @property
    def label(self) -> str:
        """Name and version, such as "hard/1", with the values given for it."""
        return self.facts.label

    def recipe_for(self, dataset: str, ipc: int) -> TrainingRecipe | None:
        """The training recipe of students; None: as published for the set's method."""
        if self.recipe is None or self.labels is not Labels.label_teacher:
            return self.recipe
        rate = soft_rate(dataset, ipc) if self.trial_rate is None else self.trial_rate
        return replace(self.recipe, learning_rate=rate)

    def early_recipe(self, dataset: str, ipc: int, most: int) -> TrainingRecipe:
        """The early teacher's recipe: with the given epoch, or that of the frozen table.

        The learning rate is constant, so teachers of different epochs share one training
        trajectory, and the budget does not scale the epochs.

        Args:
            dataset: name of the dataset.
            ipc: the task's ipc.
            most: epochs of the label teacher at the budget, an upper limit for the table's epoch.
        """
        epochs = self.label_epoch or min(label_epoch(dataset, ipc), most)
        return replace(EARLY_TEACHER, epochs=epochs)

    def of_length(self, recipe: TrainingRecipe, images: int, classes: int) -> TrainingRecipe:
        """The recipe with its epochs adapted to the size of the set, according to `matched`.

        Args:
            recipe: the protocol's recipe.
            images: number of images in the training set.
            classes: number of classes.
        """
        if self.matched is None:
            return recipe
        size = self.matched_ipc * classes
        if self.matched is Matched.images:
            times = size / images
        else:
            times = recipe.steps_per_epoch(size) / recipe.steps_per_epoch(images)
        return recipe.scaled(times)


def _protocol(name: str, facts: dict[str, Any]) -> Protocol:
    """A protocol from its entry in the file."""
    values = {"loss": "cross_entropy", "milestones": [], "snapshot_epochs": []}
    recipe = facts.pop("recipe")
    return Protocol(
        name=name,
        labels=Labels[facts.pop("labels")],
        matched=Matched[facts.pop("matched")] if "matched" in facts else None,
        recipe=TrainingRecipe.from_plain(values | recipe) if recipe else None,
        **facts,
    )


PROTOCOLS = {name: _protocol(name, facts) for name, facts in preset(".", FILE).items()}
"""Every protocol, from `configs/protocols.yaml`."""

LABEL_TEACHER = TrainingRecipe(epochs=100, learning_rate=0.05, milestones=(50,))
"""The label teacher, and the networks of the whole-set control: APM's teacher recipe."""

EARLY_TEACHER = TrainingRecipe(epochs=100, learning_rate=0.01)
"""The teacher that stops early; its constant rate makes all epochs lie on one trajectory."""

LABEL_EPOCHS: dict[str, dict[int, int]] = preset(".", "label_epochs")
"""The frozen table of epochs after which the early teacher stops, by dataset and ipc."""
LABEL_EPOCH_ELSEWHERE = 4

SOFT_RATES: dict[str, dict[int, float]] = preset(".", "soft_rates")
"""The frozen table of learning rates of soft/1, by dataset and ipc: `configs/soft_rates.yaml`."""
SOFT_RATE_ELSEWHERE = 0.1


def protocol_named(text: str) -> Protocol:
    """The protocol with a name or label such as `hard` or `hard/1`.

    Raises:
        UserError: for an unknown name, or a version that this program does not have.
    """
    name, slash, version = text.partition("/")
    if name not in PROTOCOLS:
        raise unknown_name("protocol", name, PROTOCOLS)
    protocol = PROTOCOLS[name]
    if slash and version != str(protocol.version):
        raise UserError(f"protocol {text!r}: this version of ddbench has {protocol.label}")
    return protocol


def soft_rate(dataset: str, ipc: int) -> float:
    """The learning rate of soft/1; for an ipc not in the table, that of the nearest in ratio."""
    rates = SOFT_RATES.get(dataset)
    if not rates:
        return SOFT_RATE_ELSEWHERE
    return rates[nearest_ipc(rates, ipc)]


def label_epoch(dataset: str, ipc: int) -> int:
    """The early teacher's epoch; for an ipc not in the table, that of the nearest in ratio."""
    epochs = LABEL_EPOCHS.get(dataset)
    return epochs[nearest_ipc(epochs, ipc)] if epochs else LABEL_EPOCH_ELSEWHERE
