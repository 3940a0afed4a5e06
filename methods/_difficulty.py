"""Difficulty of each real image, measured by a network's training dynamics."""

from __future__ import annotations

import enum

from torch import Tensor

from ddbench.training.dynamics import TrainingDynamics

EARLY_EPOCHS = 10
"""First epochs over which EL2N is summed (released code of CCS)."""


class Score(enum.Enum):
    """The score that measures an image's difficulty."""

    forgetting = "forgetting"
    """Epochs with a wrong prediction after a right one; Toneva et al. (ICLR 2019), Definition 1."""
    el2n = "el2n"
    """Norm of the error vector in the first epochs; Paul et al. (NeurIPS 2021), Definition 2.2,
    summed over the epochs of one training run as in the released code of CCS."""
    aum = "aum"
    """Small area under the margin of logits; Pleiss et al. (NeurIPS 2020), equation 2."""
    margin = "margin"
    """Small accumulated margin of probabilities; what the released code of CCS calls AUM."""


def difficulty(score: Score, dynamics: TrainingDynamics, epochs: int = EARLY_EPOCHS) -> Tensor:
    """The difficulty (N,) of each image, float64; higher is harder.

    forgetting: sum_e [right_e and not right_{e+1}]; E for an image that is never right, which is
        more than any other image can have
    el2n: sum_{e < epochs} || p_e - onehot(y) ||_2
    aum: - 1/E sum_e (z_y - max_{k != y} z_k)
    margin: - sum_e (p_y - max_{k != y} p_k)

    Args:
        score: which score.
        dynamics: those of one training run of E epochs.
        epochs: number of first epochs that EL2N sums over.
    """
    if score is Score.forgetting:
        right = dynamics.right
        forgotten = (right[:-1] & ~right[1:]).sum(0).double()
        return forgotten.masked_fill(~right.any(0), len(right))
    if score is Score.el2n:
        return dynamics.errors[:epochs].double().sum(0)
    if score is Score.aum:
        return -dynamics.logit_margins.double().mean(0)
    return -dynamics.margins.double().sum(0)
