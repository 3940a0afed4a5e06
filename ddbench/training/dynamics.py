"""Training dynamics: what a network predicts for each real image in each epoch of its training."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor

from .loop import Training

DYNAMICS_VERSION = 1
"""Incremented when what is recorded changes; part of every key of training dynamics."""


@dataclass(frozen=True)
class TrainingDynamics:
    """Values of each of N images in each of E epochs, in its mini-batch, augmented as trained.

    With logits z of the network before that step, p = softmax(z) and the image's class y:

    Args:
        right: (E, N) bool, whether y has the largest logit.
        logit_margins: (E, N), z_y - max_{k != y} z_k.
        margins: (E, N), p_y - max_{k != y} p_k, from -1 to 1.
        errors: (E, N), || p - onehot(y) ||_2, from 0 to sqrt(2).
    """

    right: Tensor
    logit_margins: Tensor
    margins: Tensor
    errors: Tensor

    @classmethod
    def empty(cls, epochs: int, images: int) -> Self:
        """Nothing recorded yet."""
        shape = (epochs, images)
        numbers = (torch.zeros(shape) for _ in range(3))
        return cls(torch.zeros(shape, dtype=torch.bool), *numbers)

    @staticmethod
    def nbytes(epochs: int, images: int) -> int:
        """Their size in memory and in a store: three float32 and one bool per image and epoch."""
        return 13 * epochs * images

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> Self:
        """The inverse of `tensors`."""
        return cls(**tensors)

    def tensors(self) -> dict[str, Tensor]:
        """The fields by their names; references, no copies."""
        return {item.name: getattr(self, item.name) for item in dataclasses.fields(self)}

    def note(self, epoch: int, index: Tensor, logits: Tensor, labels: Tensor) -> None:
        """Record the values of a mini-batch.

        Args:
            epoch: in which it is trained on, counted from 0.
            index: positions (B,) of its images.
            logits: (B, classes), before its step.
            labels: class ids (B,).
        """
        index = index.to(self.right.device)
        probabilities = logits.softmax(1)
        onehot = F.one_hot(labels, logits.shape[1])
        noted = {
            "right": logits.argmax(1) == labels,
            "logit_margins": _margin(logits, labels),
            "margins": _margin(probabilities, labels),
            "errors": (probabilities - onehot).norm(dim=1),
        }
        for name, value in noted.items():
            rows = getattr(self, name)
            rows[epoch, index] = value.to(rows)


def _margin(values: Tensor, labels: Tensor) -> Tensor:
    """The value (B,) of each image's class minus the largest of the other classes."""
    own = values.gather(1, labels[:, None])
    others = values.scatter(1, labels[:, None], -torch.inf)
    return own[:, 0] - others.max(1).values


class WatchedTraining(Training):
    """A training that records its dynamics; its steps are those of `Training`, bit for bit.

    Raises:
        ValueError: on construction, for a recipe whose epochs do not show every image once, with
            its own class.
    """

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        if self.recipe.epoch_steps or self.recipe.cutmix or self.recipe.mixup:
            raise ValueError("training dynamics need whole epochs of images that are not mixed")
        self.dynamics = TrainingDynamics.empty(self.recipe.epochs, len(self.data))

    def step(self) -> dict[str, Tensor]:
        """Take one optimiser step; the logits of its mini-batch before the step are recorded."""
        epoch = self.epoch
        scalars = super().step()
        assert self.seen is not None
        self.dynamics.note(epoch, *self.seen)
        return scalars

    def state_dict(self) -> dict[str, Any]:
        """As `Training.state_dict`."""
        return {**super().state_dict(), "dynamics": self.dynamics.tensors()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a saved state."""
        super().load_state_dict(state)
        self.dynamics = TrainingDynamics.from_tensors(state["dynamics"])
