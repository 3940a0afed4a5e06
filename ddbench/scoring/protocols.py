"""Protocols: named, versioned rules under which students are trained and scored.

Nothing is selected on test data: the last step is scored. A rule that changes numbers raises the
version; a number without protocol and version does not enter a leaderboard.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace

from ..errors import UserError, unknown_name
from ..plugins.recipes import nearest_ipc
from ..training.recipe import Loss, TrainingRecipe


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


_HARD = TrainingRecipe(epochs=1000, learning_rate=0.01, milestones=(500,))
_SOFT = TrainingRecipe(epochs=1000, learning_rate=0.1, milestones=(500,), loss=Loss.l1)

PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("paper", 1, Labels.own, None, "each method's published evaluation, last step"),
        Protocol("hard", 1, Labels.hard, _HARD, "class ids, cross-entropy, DSA augmentation"),
        Protocol(
            "soft",
            1,
            Labels.label_teacher,
            _SOFT,
            "logits of one teacher outside every pool, L1, DSA augmentation",
        ),
        Protocol(
            "soft_doubled",
            1,
            Labels.label_teacher,
            _SOFT,
            "as soft with doubled logits: a control for images on which teachers are surer",
            logit_scale=2.0,
        ),
        Protocol(
            "noaug",
            1,
            Labels.hard,
            replace(_HARD, augment=False),
            "class ids, cross-entropy, no augmentation",
        ),
    )
}

LABEL_TEACHER = TrainingRecipe(epochs=100, learning_rate=0.05, milestones=(50,))
"""The label teacher, and the networks of the whole-set control: APM's teacher recipe."""

SOFT_RATES: dict[str, dict[int, float]] = {
    "digits": {1: 0.2, 10: 0.2},
    "mnist5k": {1: 0.05, 10: 0.2},
    "cifar10": {1: 0.05, 10: 0.05, 50: 0.02, 500: 0.02, 1000: 0.02},
    "cifar100": {10: 0.02, 50: 0.04, 100: 0.04},
    "tinyimagenet": {10: 0.1, 50: 0.1, 100: 0.1},
    "imagenet64": {10: 0.1, 50: 0.1, 100: 0.1},
}
"""Learning rates of soft/1, frozen, by dataset and ipc.

APM's table A9 (lr_net) where it has the row. Elsewhere chosen once as the best mean accuracy of
Random at budget `short` on held-out images, which can be repeated:
`ddbench run -m method=random validation=0.3 protocols=[soft] soft_rate=0.02,0.05,0.1,0.2,0.3 ...`
(digits: these five rates, validation 0.3, 3 seeds; mnist5k ipc 1: the five, 0.2, 3 seeds; mnist5k
ipc 10: all but .02, 0.2, one seed, .1 and .2 within .1 point; cifar10 in `zca`: all but .3, 0.1,
2 seeds at ipc 1, where all scored alike, and one at ipc 10, where .05 to .2 lay within .3 points).
"""
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
