"""MTT: images on which students follow the trajectories of experts (trajectory matching).

G. Cazenavette, T. Wang, A. Torralba, A. A. Efros, J.-Y. Zhu, "Dataset distillation by matching
training trajectories" (CVPR 2022), Algorithm 1, and the released code. The last iteration is kept;
the released code reports the best of its evaluations on test images.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from ddbench import setting

from ._trajectory_descent import TrajectoryDescent
from ._trajectory_matching import Gradient, Student, recomputed_gradient, unrolled_gradient


class Unroll(enum.Enum):
    """How the gradient through a student's steps is computed; both give the same gradient."""

    full = "full"
    """One graph of all steps: memory grows with the number of steps."""
    recompute = "recompute"
    """The graph of one step at a time, rebuilt in the backward pass from stored parameters."""


class MTT(TrajectoryDescent):
    """Dataset distillation by matching training trajectories."""

    @dataclass
    class Settings(TrajectoryDescent.Settings):
        """Settings of MTT."""

        unroll: Unroll = setting(Unroll.recompute, "gradient by full graph, or by recompute")

    settings: Settings

    def gradient(self, student: Student) -> Gradient:
        """The exact gradient through all steps."""
        full = self.settings.unroll is Unroll.full
        return unrolled_gradient(student) if full else recomputed_gradient(student)
