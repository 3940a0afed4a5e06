"""The contract of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar, Self

from torch import Tensor, nn

from ..plugins.settings import Settings


@dataclass
class ModelSettings(Settings):
    """Settings of an architecture."""

    def for_device(self, device_type: str) -> Self:
        """The same settings with what depends on the device ("cpu", "cuda") filled in."""
        return self


class Model(nn.Module, ABC):
    """An image classifier that also exposes the features its last layer reads."""

    version: ClassVar[int] = 1
    Settings: ClassVar[type[ModelSettings]] = ModelSettings

    adaptation: str = ""
    """How this network differs from the usual one in order to take its images, in words."""

    @abstractmethod
    def __init__(
        self, settings: ModelSettings, channels: int, resolution: int, classes: int
    ) -> None:
        """Build for square images (N, channels, resolution, resolution)."""
        super().__init__()

    @abstractmethod
    def features(self, images: Tensor) -> Tensor:
        """Flat features (N, F) of images (N, C, H, W), before the last linear layer."""

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes) of images (N, C, H, W)."""
