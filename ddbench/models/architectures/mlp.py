"""MLP: two hidden layers of 128 units, the simplest of the dataset condensation networks.

Zhao et al., "Dataset condensation with gradient matching" (ICLR 2021).
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor, nn

from ...plugins.settings import setting
from ..model import Model, ModelSettings


class MLP(Model):
    """Flattened pixels -> linear -> ReLU -> linear -> ReLU -> linear."""

    @dataclass
    class Settings(ModelSettings):
        """Settings of MLP."""

        width: int = setting(128, "units of each hidden layer", low=1)

    def __init__(
        self, settings: ModelSettings, channels: int, resolution: int, classes: int
    ) -> None:
        """Build for square images (N, channels, resolution, resolution)."""
        super().__init__(settings, channels, resolution, classes)
        assert isinstance(settings, MLP.Settings)
        width = settings.width
        self.hidden = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels * resolution**2, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
        )
        self.classifier = nn.Linear(width, classes)

    def features(self, images: Tensor) -> Tensor:
        """Flat features (N, width)."""
        features: Tensor = self.hidden(images)
        return features

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.classifier(self.features(images))
        return logits
