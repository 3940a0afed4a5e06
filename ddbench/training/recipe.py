"""How a network is trained, as data: part of keys, of protocols and of distilled sets."""

from __future__ import annotations

import dataclasses
import enum
import math
from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from ..errors import UserError, shown, unknown_name
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


class SnapshotFormat(enum.Enum):
    """In what numbers kept weights are stored; they are computed with in float32."""

    float32 = "float32"
    """As they were trained."""
    float16 = "float16"
    """Half the bytes, 11 bits of precision."""


MOST_EPOCHS = 10**6
"""Hundreds of times what anybody trains: a recipe from a file cannot ask for years."""
HIGHEST_RATE = 1e6
MOST_SNAPSHOTS = 10_000
_SMALLEST = math.ulp(0.0)
_RANGES: dict[str, tuple[type, float, float]] = {
    "epochs": (int, 1, MOST_EPOCHS),
    "batch_size": (int, 1, 10**9),
    "epoch_steps": (int, 0, 10**9),
    "version": (int, 1, 10**6),
    "learning_rate": (float, _SMALLEST, HIGHEST_RATE),
    "decay": (float, _SMALLEST, 1e3),
    "momentum": (float, 0, math.nextafter(1, 0)),
    "weight_decay": (float, 0, 1e3),
    "sharpness_radius": (float, 0, 1e3),
    "surrogate_gap": (float, 0, 1e3),
}
"""Type, least value, largest value."""
_OF_GSAM = ("sharpness_radius", "surrogate_gap")


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
        batch_size: examples a step; the last, smaller batch of an epoch is kept. (A last batch of
            one joins the batch before it where the network cannot normalise over one.)
        augment: whether each batch is augmented by DSA (not Siamese).
        snapshot_epochs: numbers of completed epochs after which the weights are kept (0: initial
            weights), ascending; empty: the last epoch alone.
        version: raised when what a recipe means changes.
        sharpness_radius: rho of GSAM.
        surrogate_gap: alpha of GSAM.
        epoch_steps: optimiser steps after which an epoch ends, its other examples left out; 0: none
            are left out.
        snapshot_format: in what numbers kept weights are stored.

    Raises:
        UserError: on construction, for what cannot be trained; a recipe may come in a file.
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
    sharpness_radius: float = 0.01
    surrogate_gap: float = 0.4
    epoch_steps: int = 0
    snapshot_format: SnapshotFormat = SnapshotFormat.float32

    def __post_init__(self) -> None:
        if self.optimiser not in OPTIMISERS:
            raise unknown_name("optimiser", str(self.optimiser), OPTIMISERS)
        for name, (kind, low, high) in _RANGES.items():
            value = getattr(self, name)
            if not _is_number(value, kind) or not low <= value <= high:
                least = "above 0" if low == _SMALLEST else f"from {low}"
                raise UserError(
                    f"a training recipe cannot have {name}={shown(value)}: it must be a "
                    f"{'whole number' if kind is int else 'number'} {least} to {high:g}"
                )
        whole = all(_is_number(e, int) for e in (*self.milestones, *self.snapshot_epochs))
        if not whole or not isinstance(self.augment, bool):
            raise UserError("a training recipe has whole milestones and snapshots, and an augment")
        if not isinstance(self.snapshot_format, SnapshotFormat):
            raise UserError(
                f"a training recipe cannot have snapshot_format={shown(self.snapshot_format)}"
            )
        inside = {epoch for epoch in self.snapshot_epochs if 0 <= epoch <= self.epochs}
        if list(self.snapshot_epochs) != sorted(inside) or len(inside) > MOST_SNAPSHOTS:
            raise UserError(
                f"snapshots {shown(self.snapshot_epochs)} must ascend within 0..{self.epochs} "
                f"epochs, and be at most {MOST_SNAPSHOTS}"
            )

    def steps_per_epoch(self, examples: int) -> int:
        """Optimiser steps of an epoch over so many examples."""
        all_of_them = math.ceil(examples / self.batch_size)
        return min(all_of_them, self.epoch_steps or all_of_them)

    def images_per_epoch(self, examples: int) -> int:
        """Of so many examples those that are seen in an epoch."""
        return min(self.steps_per_epoch(examples) * self.batch_size, examples)

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
        """Plain JSON types, for keys and headers; what changes no number is left out."""
        values = {
            **dataclasses.asdict(self),
            "loss": self.loss.name,
            "snapshot_format": self.snapshot_format.name,
        }
        unused = set() if self.optimiser == "gsam" else set(_OF_GSAM)
        unused |= {n for n in ("epoch_steps", "snapshot_format") if getattr(self, n) == _USUAL[n]}
        return {name: value for name, value in values.items() if name not in unused}

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
                    "snapshot_format": SnapshotFormat[values.get("snapshot_format", "float32")],
                    "milestones": tuple(values["milestones"]),
                    "snapshot_epochs": tuple(values["snapshot_epochs"]),
                }
            )
        except (TypeError, KeyError, ValueError) as error:
            raise UserError(f"not a training recipe: {shown(error)}") from error


_USUAL = {item.name: item.default for item in dataclasses.fields(TrainingRecipe)}


def _is_number(value: Any, kind: type) -> bool:
    allowed = int if kind is int else (int, float)
    return isinstance(value, allowed) and not isinstance(value, bool)


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
