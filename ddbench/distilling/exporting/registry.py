"""The exporters, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...plugins.registry import Registry

if TYPE_CHECKING:
    from .exporter import Exporter


EXPORTERS: Registry[Exporter] = Registry(
    "format",
    "ddbench.distilling.exporters",
    "ddbench.distilling.exporting.exporter:Exporter",
    "ddbench.exporters",
)
