"""The specification of a task's model, and the names that select one."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from ..errors import UserError
from ..plugins.settings import typed_settings
from ..runtime.randomness import RandomStream
from .model import Model, ModelSettings
from .registry import MODELS

TIMM = "timm:"


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
        version, code = MODELS[self.name].version, MODELS.code_identity(self.name)
        return {"name": self.name, "version": version, "settings": self.settings, **code}

    @property
    def label(self) -> str:
        """A short name for tables, with the non-default settings, such as `convnet-width32`."""
        usual = MODELS[self.name].Settings().plain()
        parts = [
            f"{key}{value}" if isinstance(value, int) else f"{value}"
            for key, value in self.settings.items()
            if value != usual[key]
        ]
        return "-".join([self.name, *parts])


def check_model_name(text: str) -> None:
    """Refuse a name that no model has.

    Raises:
        UserError: with similar names.
    """
    if text.startswith(TIMM):
        from .architectures.timm_model import check_timm_name  # imports timm

        check_timm_name(text.removeprefix(TIMM))
    elif text not in MODELS:
        try:
            MODELS.check(text)
        except UserError as error:
            raise UserError(f"{error} (timm:NAME names any network of timm)") from error


def model_named(text: str, device_type: str) -> ModelSpec:
    """The specification of a named model, with its usual settings on a device.

    Args:
        text: a registered model, or `timm:` and the name of a network of timm.
        device_type: "cpu", "cuda".

    Raises:
        UserError: for a name that no model has.
    """
    check_model_name(text)
    name, settings = text, {}
    if text.startswith(TIMM):
        name, settings = "timm_model", {"architecture": text.removeprefix(TIMM)}
    typed = typed_settings(MODELS[name].Settings, settings, f"model {name}")
    return ModelSpec(name, typed.for_device(device_type).plain())
