"""The models, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..plugins.registry import Registry

if TYPE_CHECKING:
    from .model import Model


MODELS: Registry[Model] = Registry(
    "model", "ddbench.models.architectures", "ddbench.models.model:Model", "ddbench.models"
)
