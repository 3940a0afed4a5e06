"""TESLA: trajectory matching whose memory does not grow with the student's steps.

J. Cui, R. Wang, S. Si, C.-J. Hsieh, "Scaling up dataset distillation to ImageNet-1K with constant
memory" (ICML 2023), equations 5 to 8, and the released code. Labels may be the predictions of the
network that the student should become (section 3.3).

The released program uses half of that gradient for the images: it puts the factor 2 in front of a
tuple, which repeats it (issue 5 of the repository). Here the factor is as in the paper, and the
published rates of the images are halved in the recipe, which gives the same updates.

The paper presents its gradient as MTT's. It is that of a student whose parameters count as
constants at every step: an image's effect on later steps is left out (see `detached_gradient`), and
the step size's gradient is likewise direct. Measured on digits at ipc 1 and rate .02, from real
images, ConvNet of width 8, students starting at epochs 0, 10 and 20 of an expert: the cosine
between the two gradients of the images is 1.00 for 2 steps, .96 to .99 for 10 and .88 to .92 for
30, at .99 to 1.20 times the exact one's norm (tests/methods/test_tesla.py); with width 32, .87 to
.93 for 30 steps, at up to 1.46 times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ddbench import DistilledSet, setting
from ddbench.training.loop import predict

from ._trajectory_descent import TrajectoryDescent
from ._trajectory_matching import Gradient, Student, detached_gradient


class TESLA(TrajectoryDescent):
    """Trajectory matching with constant memory."""

    @dataclass
    class Settings(TrajectoryDescent.Settings):
        """Settings of TESLA."""

        iterations: int = setting(10_000, "updates of the images", low=1, scaled="distilling")
        soft_labels: bool = setting(
            False,
            "labels are the predictions of the expert's network that the student should reach",
        )

    settings: Settings

    def begin(self) -> None:
        super().begin()
        self.labeller = ""

    def gradient(self, student: Student) -> Gradient:
        """The gradient without an image's effect on later steps."""
        return detached_gradient(student)

    def student_targets(self, expert: int, epoch: int) -> Tensor:
        """Class ids (N,), or the target's predictions (N, classes) for the images as they are."""
        if not self.settings.soft_labels:
            return super().student_targets(expert, epoch)
        network = self.task.frozen(self.pool.weights(expert, epoch))
        return predict(network, self.images).softmax(1)

    def step(self, i: int) -> dict[str, float | Tensor]:
        """One student, and a note of which network labelled its images."""
        scalars = super().step(i)
        if self.settings.soft_labels:
            expert, start = self.segment(i)
            self.labeller = self.pool.reference(expert, start + self.settings.expert_epochs)
        return scalars

    def finish(self) -> DistilledSet:
        """The set; soft labels are those that the last student learnt from, as released."""
        soft = self.settings.soft_labels
        return self.task.distilled_set(
            self.images,
            self.labels,
            evaluation=self.evaluation(),
            soft_labels=self.targets if soft else None,
            soft_label_kind="probabilities" if soft else None,
            labeller=self.labeller if soft else None,
            learned_rate=float(self.step_size),
        )

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "targets": self.targets, "labeller": self.labeller}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.targets = state["targets"].to(self.task.device)
        self.labeller = state["labeller"]
