"""All plugin registries, by kind of plugin."""

from __future__ import annotations

from typing import Any

from ..data.registry import DATASETS
from ..distilling.exporting.registry import EXPORTERS
from ..distilling.importing.registry import IMPORTERS
from ..distilling.registry import METHODS
from ..models.registry import MODELS
from ..plugins.registry import Registry
from ..runtime.tracking import TRACKERS
from ..scoring.registry import EVALUATORS

REGISTRIES: dict[str, Registry[Any]] = {
    "methods": METHODS,
    "datasets": DATASETS,
    "evaluators": EVALUATORS,
    "models": MODELS,
    "importers": IMPORTERS,
    "exporters": EXPORTERS,
    "trackers": TRACKERS,
}
