"""The importers, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...plugins.registry import Registry

if TYPE_CHECKING:
    from .importer import Importer


IMPORTERS: Registry[Importer] = Registry(
    "importer",
    "ddbench.distilling.importers",
    "ddbench.distilling.importing.importer:Importer",
    "ddbench.importers",
)
