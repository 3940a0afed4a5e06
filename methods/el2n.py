"""EL2N: the images of each class on which a network errs most, early in its training.

M. Paul et al., "Deep learning on a data diet" (NeurIPS 2021), Definition 2.2, average the norm of
the error vector over 10 networks at one early epoch. The released code of CCS (Zheng et al.,
ICLR 2023) sums it over the first 10 epochs of one training run, and so does this; `networks=10`
averages that over 10 training runs.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ddbench import setting
from ddbench.training.dynamics import TrainingDynamics

from ._difficulty import EARLY_EPOCHS, Score, difficulty
from ._dynamics_selection import OrderedSelection, OrderedSettings


class EL2N(OrderedSelection):
    """The images with the longest error vectors, or the shortest."""

    @dataclass
    class Settings(OrderedSettings):
        """Settings of EL2N."""

        early_epochs: int = setting(
            EARLY_EPOCHS, "first epochs over which errors are summed, or all if fewer", low=1
        )

    settings: Settings
    score = Score.el2n

    def measured(self, dynamics: TrainingDynamics) -> Tensor:
        return difficulty(self.score, dynamics, self.settings.early_epochs)
