"""FTD: trajectory matching with flat expert trajectories, along which errors accumulate less.

J. Du, Y. Jiang, V. Y. F. Tan, J. T. Zhou, H. Li, "Minimizing the accumulated trajectory error to
improve dataset distillation" (CVPR 2023), and the released code: experts are trained by GSAM, and
the result is a moving average of the images. The released evaluation trains networks on the
average that were already trained on the images themselves; here they start from scratch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddbench import DistilledSet, setting

from ._flat_experts import FlatExperts


def moving_average(average: Tensor, value: Tensor, decay: float) -> Tensor:
    """E <- d E + (1 - d) x, initialised with the first images, so it needs no bias correction.

    Args:
        average: E.
        value: x.
        decay: d.
    """
    return torch.lerp(value, average, decay)


class FTD(FlatExperts):
    """Trajectory matching with flat trajectories."""

    @dataclass
    class Settings(FlatExperts.Settings):
        """Settings of FTD."""

        image_average: float = setting(
            0.9995, "decay of the moving average of the images; 0: the last ones", low=0, high=1
        )

    settings: Settings

    def begin(self) -> None:
        super().begin()
        self.average = self.images.clone()

    def step(self, i: int) -> dict[str, float | Tensor]:
        """One step of MTT, then the average."""
        scalars = super().step(i)
        self.average = moving_average(self.average, self.images, self.settings.image_average)
        return scalars

    def finish(self) -> DistilledSet:
        """The averaged images."""
        return self.task.distilled_set(
            self.average,
            self.labels,
            evaluation=self.evaluation(),
            learned_rate=float(self.step_size),
        )

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "average": self.average}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        super().load_state_dict(state)
        self.average = state["average"].to(self.task.device)
