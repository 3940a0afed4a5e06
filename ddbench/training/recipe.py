"""How a network is trained, as data: part of keys, of protocols and of distilled sets."""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import UserError
from .optimisers import OPTIMISERS


class Loss(enum.Enum):
    """What a network's logits (N, classes) are compared by, always a mean over the batch."""

    cross_entropy = "cross_entropy"
    """Against class ids (N,) or probabilities (N, classes)."""
    l1 = "l1"
    """Against logits, absolute difference, mean over batch and classes."""
    mse = "mse"
    """Against logits, squared difference, mean over batch and classes."""

    def __call__(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The scalar loss."""
        if self is Loss.cross_entropy:
            return F.cross_entropy(logits, targets)
        return F.l1_loss(logits, targets) if self is Loss.l1 else F.mse_loss(logits, targets)


@dataclass(frozen=True)
class TrainingRecipe:
    """One way to train a network.

    Args:
        epochs: passes over the examples.
        learning_rate: initial rate; multiplied by `decay` at the start of each milestone epoch.
        milestones: epoch indices, counted from 0.
        loss: what is minimised.
        optimiser: a name in `OPTIMISERS`.
        momentum: of SGD.
        weight_decay: L2 penalty factor.
        batch_size: examples a step; the last, smaller batch of an epoch is kept.
        augment: whether each batch is augmented by DSA (not Siamese).
        snapshot_epochs: numbers of completed epochs after which the weights are kept (0: initial
            weights); empty: the last epoch alone.
        version: raised when the loop's numbers change.
    """

    epochs: int
    learning_rate: float
    milestones: tuple[int, ...] = ()
    decay: float = 0.1
    loss: Loss = Loss.cross_entropy
    optimiser: str = "sgd"
    momentum: float = 0.9
    weight_decay: float = 5e-4
    batch_size: int = 256
    augment: bool = True
    snapshot_epochs: tuple[int, ...] = ()
    version: int = 1

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS:
            raise UserError(f"unknown optimiser {self.optimiser!r}: known: {sorted(OPTIMISERS)}")
        if self.epochs < 1 or self.batch_size < 1 or not self.learning_rate > 0:
            raise UserError(
                f"a training recipe needs epochs, batch size and learning rate above 0, not "
                f"{self.epochs}, {self.batch_size} and {self.learning_rate}"
            )
        if any(not 0 <= epoch <= self.epochs for epoch in self.snapshot_epochs):
            raise UserError(f"snapshots {self.snapshot_epochs} lie outside 0..{self.epochs} epochs")

    @property
    def kept_epochs(self) -> tuple[int, ...]:
        """Numbers of completed epochs after which the weights are kept."""
        return self.snapshot_epochs or (self.epochs,)

    def rate_at(self, epoch: int) -> float:
        """The learning rate in an epoch, counted from 0."""
        passed = sum(epoch >= milestone for milestone in self.milestones)
        return float(self.learning_rate * self.decay**passed)

    def scaled(self, fraction: float) -> TrainingRecipe:
        """The same recipe with its epochs, milestones and snapshots shortened to a fraction."""
        if fraction == 1:
            return self
        epochs = max(1, round(self.epochs * fraction))
        return dataclasses.replace(
            self,
            epochs=epochs,
            milestones=tuple(max(1, round(m * epochs / self.epochs)) for m in self.milestones),
            snapshot_epochs=tuple(
                sorted({round(e * epochs / self.epochs) for e in self.snapshot_epochs})
            ),
        )

    def plain(self) -> dict[str, Any]:
        """Plain JSON types, for keys and headers."""
        return {**dataclasses.asdict(self), "loss": self.loss.name}

    @classmethod
    def from_plain(cls, values: Any) -> Self:
        """The inverse of `plain`.

        Raises:
            UserError: for unknown names or values of the wrong type.
        """
        try:
            return cls(
                **{
                    **values,
                    "loss": Loss[values["loss"]],
                    "milestones": tuple(values["milestones"]),
                    "snapshot_epochs": tuple(values["snapshot_epochs"]),
                }
            )
        except (TypeError, KeyError, ValueError) as error:
            raise UserError(f"not a training recipe: {error!r}") from error


@dataclass(frozen=True)
class Examples:
    """Inputs and targets that a network is trained on, on their device.

    Args:
        inputs: (N, C, H, W) float32 in an input space.
        targets: (N,) class ids, or (N, classes) logits or probabilities.
    """

    inputs: Tensor
    targets: Tensor

    def __len__(self) -> int:
        return len(self.inputs)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """The examples at the positions of `index` (B,)."""
        return torch.index_select(self.inputs, 0, index), torch.index_select(self.targets, 0, index)
