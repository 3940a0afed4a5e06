"""How a network is trained, as data: part of keys, of protocols and of distilled sets."""

from __future__ import annotations

import dataclasses
import enum
import math
from dataclasses import dataclass
from typing import Any, Self

import torch
from torch import Tensor

from ..data.augmentation.choices import Augmentation
from ..data.augmentation.dsa import DSA, OPERATIONS
from ..errors import UserError, shown, unknown_name
from .loss import Loss
from .optimisers import OPTIMISERS
from .schedule import Schedule, cosine_factor


class SnapshotFormat(enum.Enum):
    """The number format in which kept weights are stored; computations use float32."""

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
    "warmup_steps": (int, 0, 10**9),
    "final_fraction": (float, 0, math.nextafter(1, 0)),
    "cutmix": (float, 0, 1),
    "mixup": (float, 0, 1e3),
    "temperature": (float, _SMALLEST, 1e3),
    "share_of_ids": (float, 0, 1),
    "teacher_parts": (int, 0, 10**6),
}
"""Type, least value, largest value."""
_OF_GSAM = ("sharpness_radius", "surrogate_gap")
_CHOICES = {
    "loss": Loss,
    "snapshot_format": SnapshotFormat,
    "schedule": Schedule,
    "augmentation": Augmentation,
}


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
        batch_size: examples per step; the last, smaller batch of an epoch is kept. (A last batch of
            one joins the batch before it if the network cannot normalise over one.)
        augment: whether each batch is augmented (not Siamese).
        snapshot_epochs: numbers of completed epochs after which the weights are kept (0: initial
            weights), ascending; empty: only the last epoch.
        version: incremented when the meaning of a recipe changes.
        sharpness_radius: rho of GSAM.
        surrogate_gap: alpha of GSAM.
        epoch_steps: optimiser steps after which an epoch ends, its other examples left out; 0: none
            are left out.
        snapshot_format: number format in which kept weights are stored.
        schedule: of the learning rate.
        warmup_steps: optimiser steps over which the rate rises from 0; not with milestones.
        final_fraction: fraction of the rate that is left at the end of a cosine schedule.
        augmentation: the augmentation, if `augment` is true.
        cutmix: probability that CutMix mixes a batch with itself in another order.
        mixup: both parameters of the beta distribution of the shares with which every batch is
            mixed with itself in another order; 0: no mixup. Not with cutmix.
        mirrored: whether the mirror image of every example is trained on, too.
        operations: of DSA, one of which is drawn for each batch.
        temperature: of the divergence from a teacher.
        share_of_ids: share of the loss that is cross-entropy with class ids, if a teacher labels
            each batch.
        teacher_parts: parts of each batch, on each of which the teacher's batch norms use its own
            statistics; 0: they use those of the teacher's training.

    Raises:
        UserError: on construction, for an invalid recipe; a recipe may come from a file.
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
    schedule: Schedule = Schedule.milestones
    warmup_steps: int = 0
    final_fraction: float = 0.0
    augmentation: Augmentation = Augmentation.dsa
    cutmix: float = 0.0
    mirrored: bool = False
    operations: tuple[str, ...] = OPERATIONS
    temperature: float = 1.0
    share_of_ids: float = 0.0
    mixup: float = 0.0
    teacher_parts: int = 0

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
        if not whole or not all(isinstance(b, bool) for b in (self.augment, self.mirrored)):
            raise UserError(
                "a training recipe has whole numbers as milestones and snapshot_epochs, and true "
                "or false as augment and mirrored"
            )
        for name, choices in _CHOICES.items():
            if not isinstance(getattr(self, name), choices):
                raise UserError(
                    f"a training recipe cannot have {name}={shown(getattr(self, name))}"
                )
        if self.cutmix and self.mixup:
            raise UserError("a training recipe cannot have both cutmix and mixup")
        DSA(self.operations)  # refuses an unknown operation
        inside = {epoch for epoch in self.snapshot_epochs if 0 <= epoch <= self.epochs}
        if list(self.snapshot_epochs) != sorted(inside) or len(inside) > MOST_SNAPSHOTS:
            raise UserError(
                f"snapshots {shown(self.snapshot_epochs)} must ascend within 0..{self.epochs} "
                f"epochs, and be at most {MOST_SNAPSHOTS}"
            )

    def steps_per_epoch(self, examples: int) -> int:
        """Optimiser steps per epoch over this number of examples."""
        all_of_them = math.ceil(examples / self.batch_size)
        return min(all_of_them, self.epoch_steps or all_of_them)

    def images_per_epoch(self, examples: int) -> int:
        """How many of this number of examples are seen in an epoch."""
        return min(self.steps_per_epoch(examples) * self.batch_size, examples)

    @property
    def kept_epochs(self) -> tuple[int, ...]:
        """Numbers of completed epochs after which the weights are kept."""
        return self.snapshot_epochs or (self.epochs,)

    def rate_at(self, epoch: int) -> float:
        """The learning rate in an epoch, counted from 0."""
        passed = sum(epoch >= milestone for milestone in self.milestones)
        return float(self.learning_rate * self.decay**passed)

    def rate_at_step(self, step: int, steps_per_epoch: int) -> float:
        """The learning rate of an optimiser step, counted from 0."""
        if self.schedule is Schedule.milestones:
            return self.rate_at(step // steps_per_epoch)
        steps = self.epochs * steps_per_epoch
        stretch = 2 if self.schedule is Schedule.half_cosine else 1
        warmup = min(self.warmup_steps, steps - 1)
        return float(
            self.learning_rate * cosine_factor(step, steps, warmup, self.final_fraction, stretch)
        )

    def scaled(self, fraction: float) -> TrainingRecipe:
        """The same recipe with its epochs, milestones and snapshots shortened to a fraction."""
        if fraction == 1:
            return self
        epochs = max(1, round(self.epochs * fraction))
        return dataclasses.replace(
            self,
            epochs=epochs,
            milestones=tuple(max(1, round(m * epochs / self.epochs)) for m in self.milestones),
            warmup_steps=round(self.warmup_steps * epochs / self.epochs),
            snapshot_epochs=tuple(
                sorted({round(e * epochs / self.epochs) for e in self.snapshot_epochs})
            ),
        )

    def plain(self) -> dict[str, Any]:
        """Plain JSON types, for keys and headers; fields that change no number are left out."""
        values = {
            **dataclasses.asdict(self),
            **{name: getattr(self, name).name for name in _CHOICES},
        }
        unused = set() if self.optimiser == "gsam" else set(_OF_GSAM)
        unused |= {name for name in _ADDED if getattr(self, name) == _USUAL[name]}
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
                    **{
                        name: choices[values.get(name, _USUAL[name].name)]
                        for name, choices in _CHOICES.items()
                        if name != "loss"
                    },
                    "loss": Loss[values["loss"]],
                    "milestones": tuple(values["milestones"]),
                    "snapshot_epochs": tuple(values["snapshot_epochs"]),
                    "operations": tuple(values.get("operations", OPERATIONS)),
                }
            )
        except (TypeError, KeyError, ValueError) as error:
            raise UserError(f"not a training recipe: {shown(error)}") from error


_ADDED = (
    "epoch_steps", "snapshot_format", "schedule", "warmup_steps", "final_fraction", "augmentation",
    "cutmix", "mirrored", "operations", "temperature", "share_of_ids", "mixup",
    "teacher_parts",
)  # fmt: skip
"""Fields added later, which the keys of older recipes do not have."""
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
