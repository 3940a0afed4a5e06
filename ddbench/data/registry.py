"""The datasets, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..plugins.registry import Registry

if TYPE_CHECKING:
    from .source import DatasetSource


DATASETS: Registry[DatasetSource] = Registry(
    "dataset", "ddbench.data.sources", "ddbench.data.source:DatasetSource", "ddbench.datasets"
)
