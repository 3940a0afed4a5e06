"""The four registries of the program."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .registry import Registry

if TYPE_CHECKING:
    from .data.source import DatasetSource
    from .evaluator import Evaluator
    from .method import Method
    from .models.model import Model

METHODS: Registry[Method] = Registry(
    "method", "ddbench.methods", "ddbench.method:Method", "ddbench.methods"
)
EVALUATORS: Registry[Evaluator] = Registry(
    "evaluator", "ddbench.evaluators", "ddbench.evaluator:Evaluator", "ddbench.evaluators"
)
DATASETS: Registry[DatasetSource] = Registry(
    "dataset", "ddbench.data.sources", "ddbench.data.source:DatasetSource", "ddbench.datasets"
)
MODELS: Registry[Model] = Registry(
    "model", "ddbench.models.architectures", "ddbench.models.model:Model", "ddbench.models"
)
REGISTRIES: dict[str, Registry[Any]] = {
    "methods": METHODS,
    "datasets": DATASETS,
    "evaluators": EVALUATORS,
    "models": MODELS,
}
