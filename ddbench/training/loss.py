"""Losses of a network's logits."""

from __future__ import annotations

import enum

import torch.nn.functional as F
from torch import Tensor


class Loss(enum.Enum):
    """A loss of a network's logits (N, classes), always a mean over the batch."""

    cross_entropy = "cross_entropy"
    """Against class ids (N,) or probabilities (N, classes)."""
    l1 = "l1"
    """Against logits, absolute difference, mean over batch and classes."""
    mse = "mse"
    """Against logits, squared difference, mean over batch and classes."""
    half_sum_squares = "half_sum_squares"
    """Against regression targets, half the squared difference summed over classes."""
    kl = "kl"
    """Against logits, both at a temperature; see `softened_divergence`."""

    def __call__(self, logits: Tensor, targets: Tensor, temperature: float = 1.0) -> Tensor:
        """The scalar loss.

        Args:
            logits: (N, classes) of the network.
            targets: what they are compared with.
            temperature: of the divergence; the other losses have none.
        """
        if self is Loss.cross_entropy:
            return F.cross_entropy(logits, targets)
        if self is Loss.half_sum_squares:
            return (logits - targets).square().sum(1).mean() / 2
        if self is Loss.kl:
            return softened_divergence(logits, targets, temperature)
        return F.l1_loss(logits, targets) if self is Loss.l1 else F.mse_loss(logits, targets)


def softened_divergence(logits: Tensor, teacher_logits: Tensor, temperature: float) -> Tensor:
    """The loss by which a network learns the outputs of another (knowledge distillation).

    T^2 KL( softmax(v / T) || softmax(z / T) ), mean over the batch

    G. Hinton, O. Vinyals, J. Dean, "Distilling the knowledge in a neural network" (2015), section
    2. The factor T^2 keeps gradients as large as those of class ids, whatever T is.

    Args:
        logits: z (N, classes), of the network that learns.
        teacher_logits: v (N, classes).
        temperature: T.
    """
    of_teacher = (teacher_logits / temperature).log_softmax(1)
    own = (logits / temperature).log_softmax(1)
    divergence = F.kl_div(own, of_teacher, reduction="batchmean", log_target=True)
    return temperature**2 * divergence
