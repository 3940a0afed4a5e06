"""Models named by one word, as evaluators and people name them: `resnet18`, `timm:NAME`."""

from __future__ import annotations

from ..errors import UserError
from ..plugins import MODELS
from ..settings import typed_settings
from .model import ModelSpec

TIMM = "timm:"


def check_model_name(text: str) -> None:
    """Refuse a word that names no model.

    Raises:
        UserError: with near names.
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
    """The specification behind a word, with its usual settings on a device.

    Args:
        text: a registered model, or `timm:` and the name of a network of timm.
        device_type: "cpu", "cuda".

    Raises:
        UserError: for a word that names no model.
    """
    check_model_name(text)
    name, settings = text, {}
    if text.startswith(TIMM):
        name, settings = "timm_model", {"architecture": text.removeprefix(TIMM)}
    typed = typed_settings(MODELS[name].Settings, settings, f"model {name}")
    return ModelSpec(name, typed.for_device(device_type).plain())
