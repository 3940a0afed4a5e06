"""Protocols: named, versioned rules under which students are trained and scored.

Nothing is selected on test data: the last step is scored. A rule that changes numbers raises the
version; a number without protocol and version does not enter a leaderboard.
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
    """What students learn from."""

    own = "own"
    """The set's soft labels where it has some, else its class ids."""
    hard = "hard"
    """Class ids."""
    label_teacher = "label_teacher"
    """Raw logits of one teacher that is in no method's pool, on unaugmented images."""
    online_teacher = "online_teacher"
    """What the same teacher says of each batch, augmented and mixed, as it is trained on."""
    softened = "softened"
    """Probabilities of the same teacher at a temperature, on unaugmented images."""
    early_teacher = "early_teacher"
    """Probabilities of a teacher whose training stops early, on unaugmented images."""
    smoothed = "smoothed"
    """Class ids with a part of the weight spread evenly over all classes."""
    ridge = "ridge"
    """Regression targets with which the images predict the real images' class ids best, by kernel
    ridge regression on the features of the label teacher."""


OF_LABEL_TEACHER = {Labels.label_teacher, Labels.online_teacher, Labels.softened, Labels.ridge}
"""Labels that need the label teacher."""
FIXED_SOFT = {Labels.label_teacher, Labels.softened, Labels.early_teacher, Labels.ridge}
"""Labels of a number for each class that are given once and do not follow from class ids."""


class Matched(enum.Enum):
    """What two sets of unlike size have alike in the training of their students."""

    steps = "steps"
    """Optimiser steps."""
    images = "images"
    """Images seen, and with them the computation."""


@dataclass(frozen=True)
class Protocol:
    """Rules for training students.

    Args:
        name: such as "hard".
        version: raised when its numbers change.
        labels: what students learn from.
        recipe: how they are trained; None: as the set's method publishes.
        summary: one line for people.
        logit_scale: factor on the label teacher's logits.
        temperature: by which logits are divided before they become probabilities.
        smoothing: the weight that is spread over all classes.
        label_epoch: the epoch after which the early teacher's training stops; None: that of the
            frozen table.
        matched: what is the same whatever the size of the set: as of a set of `matched_ipc` images
            per class by the recipe; None: the epochs.
        matched_ipc: see `matched`.
        trial_rate: a learning rate on trial, with which the numbers are not the protocol's: for
            choosing the frozen table on validation images.
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
        """What records hold of it."""
        return ProtocolFacts(
            name=self.name,
            version=self.version,
            trial_rate=self.trial_rate,
            label_epoch=self.label_epoch,
        )

    @property
    def label(self) -> str:
        """Name and version, such as "hard/1", with what was given for it."""
        return self.facts.label

    def recipe_for(self, dataset: str, ipc: int) -> TrainingRecipe | None:
        """How students of a set are trained; None: as the set's method publishes."""
        if self.recipe is None or self.labels is not Labels.label_teacher:
            return self.recipe
        rate = soft_rate(dataset, ipc) if self.trial_rate is None else self.trial_rate
        return replace(self.recipe, learning_rate=rate)

    def early_recipe(self, dataset: str, ipc: int, most: int) -> TrainingRecipe:
        """How the early teacher is trained: for the epochs given, or those of the frozen table.

        At a constant rate epochs are those of one course, so that no budget scales them.

        Args:
            dataset: name of the dataset.
            ipc: of the task.
            most: epochs of the label teacher at the budget, which the table's do not exceed.
        """
        epochs = self.label_epoch or min(label_epoch(dataset, ipc), most)
        return replace(EARLY_TEACHER, epochs=epochs)

    def of_length(self, recipe: TrainingRecipe, images: int, classes: int) -> TrainingRecipe:
        """The recipe with as many epochs as make students of unlike sets comparable.

        Args:
            recipe: of the protocol.
            images: that students see in an epoch.
            classes: of the set.
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
"""The teacher that stops early: at a constant rate, so that its epochs are those of one course."""

LABEL_EPOCHS: dict[str, dict[int, int]] = preset(".", "label_epochs")
"""Epochs after which the early teacher stops, frozen, by dataset and ipc."""
LABEL_EPOCH_ELSEWHERE = 4

SOFT_RATES: dict[str, dict[int, float]] = preset(".", "soft_rates")
"""Learning rates of soft/1, frozen, by dataset and ipc, from `configs/soft_rates.yaml`."""
SOFT_RATE_ELSEWHERE = 0.1


def protocol_named(text: str) -> Protocol:
    """The protocol called `hard` or `hard/1`.

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
    """The learning rate of soft/1; between the table's ipc, that of the nearest in ratio."""
    rates = SOFT_RATES.get(dataset)
    if not rates:
        return SOFT_RATE_ELSEWHERE
    return rates[nearest_ipc(rates, ipc)]


def label_epoch(dataset: str, ipc: int) -> int:
    """The early teacher's epoch; between the table's ipc, that of the nearest in ratio."""
    epochs = LABEL_EPOCHS.get(dataset)
    return epochs[nearest_ipc(epochs, ipc)] if epochs else LABEL_EPOCH_ELSEWHERE
