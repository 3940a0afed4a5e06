"""Real images that wander: a method with steps, a state and a setting."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ddbench import DistilledSet, ImagePasses, Method, MethodSettings, TrainingRecipe, setting


class Noise(Method):
    """Adds noise with momentum to the images that every method starts from."""

    @dataclass
    class Settings(MethodSettings):
        """Settings of noise."""

        iterations: int = setting(100, "steps", low=0, scaled="distilling")
        spread: float = setting(0.1, "standard deviation of a step, in the input space", above=0)

    settings: Settings
    version = 3
    needs_equal_counts = False

    @property
    def total_steps(self) -> int:
        return self.settings.iterations

    def image_passes(self) -> ImagePasses:
        return ImagePasses(training=0, distilling=0)

    def begin(self) -> None:
        self.images = self.task.real.images(self.task.real_subset())
        self.velocity = torch.zeros_like(self.images)

    def step(self, i: int) -> dict[str, float | Tensor]:
        draw = torch.randn(self.images.shape, generator=self.task.generator("draw", i))
        self.velocity = 0.5 * self.velocity + self.settings.spread * draw
        self.images = self.images + self.velocity
        return {"size": self.images.abs().mean()}

    def finish(self) -> DistilledSet:
        return self.task.distilled_set(
            self.images,
            self.task.class_ids(),
            evaluation=TrainingRecipe(epochs=1000, learning_rate=0.01, milestones=(500,)),
        )

    def state_dict(self) -> dict[str, Any]:
        return {"images": self.images, "velocity": self.velocity}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.images, self.velocity = state["images"], state["velocity"]
