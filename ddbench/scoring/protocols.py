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
        trial_rate: a learning rate on trial, with which the numbers are not the protocol's: for
            choosing the frozen table on validation images.
    """

    name: str
    version: int
    labels: Labels
    recipe: TrainingRecipe | None
    summary: str
    logit_scale: float = 1.0
    trial_rate: float | None = None

    @property
    def label(self) -> str:
        """Name and version, such as "hard/1"; a trial says its rate."""
        trial = "" if self.trial_rate is None else f" on trial at {self.trial_rate:g}"
        return f"{self.name}/{self.version}{trial}"

    def recipe_for(self, dataset: str, ipc: int) -> TrainingRecipe | None:
        """How students of a set are trained; None: as the set's method publishes."""
        if self.recipe is None or self.labels is not Labels.label_teacher:
            return self.recipe
        rate = soft_rate(dataset, ipc) if self.trial_rate is None else self.trial_rate
        return replace(self.recipe, learning_rate=rate)


def _protocol(name: str, facts: dict[str, Any]) -> Protocol:
    """A protocol from its entry in the file."""
    values = {"loss": "cross_entropy", "milestones": [], "snapshot_epochs": []}
    recipe = facts.pop("recipe")
    return Protocol(
        name=name,
        labels=Labels[facts.pop("labels")],
        recipe=TrainingRecipe.from_plain(values | recipe) if recipe else None,
        **facts,
    )


PROTOCOLS = {name: _protocol(name, facts) for name, facts in preset(".", FILE).items()}
"""Every protocol, from `configs/protocols.yaml`."""

LABEL_TEACHER = TrainingRecipe(epochs=100, learning_rate=0.05, milestones=(50,))
"""The label teacher, and the networks of the whole-set control: APM's teacher recipe."""

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
