"""The contract of a model, and the specification by which a task names one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Self

from torch import Tensor, nn

from ..plugins import MODELS
from ..randomness import RandomStream
from ..settings import Settings, typed_settings


@dataclass
class ModelSettings(Settings):
    """Settings of an architecture."""

    def for_device(self, device_type: str) -> Self:
        """The same settings with what depends on the device ("cpu", "cuda") filled in."""
        return self


class Model(nn.Module, ABC):
    """An image classifier that also gives the features its last layer reads."""

    version: ClassVar[int] = 1
    Settings: ClassVar[type[ModelSettings]] = ModelSettings

    adaptation: str = ""
    """How this network departs from the usual one in order to take its images, in words."""

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


@dataclass(frozen=True)
class ModelSpec:
    """An architecture by name with its settings; part of a task and of every key."""

    name: str
    settings: dict[str, Any] = field(default_factory=dict)

    def build(self, channels: int, resolution: int, classes: int, stream: RandomStream) -> Model:
        """A new network on the CPU whose initial weights depend on the stream alone."""
        architecture = MODELS[self.name]
        with stream.as_global():
            return architecture(self.typed_settings, channels, resolution, classes)

    @cached_property
    def typed_settings(self) -> ModelSettings:
        """The settings of the architecture; methods build thousands of networks from them."""
        return typed_settings(MODELS[self.name].Settings, self.settings, f"model {self.name}")

    @property
    def identity(self) -> dict[str, Any]:
        """What determines the network's numbers, for keys."""
        return {"name": self.name, "version": MODELS[self.name].version, "settings": self.settings}

    @property
    def label(self) -> str:
        """A short name for tables, with what is not default, such as `convnet-width32`."""
        usual = MODELS[self.name].Settings().plain()
        parts = [
            f"{key}{value}" if isinstance(value, int) else f"{value}"
            for key, value in self.settings.items()
            if value != usual[key]
        ]
        return "-".join([self.name, *parts])
