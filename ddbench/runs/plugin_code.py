"""The code of the plugins that take part in a run."""

from __future__ import annotations

from typing import Any

from ..data.registry import DATASETS
from ..distilling.registry import METHODS
from ..models.registry import MODELS
from ..plugins.registry import Registry
from ..plugins.source_code import PluginCode
from ..scoring.registry import EVALUATORS
from .request import RunRequest


def plugins_of(request: RunRequest, made_here: bool = True) -> list[PluginCode]:
    """The code of the method, the control, the dataset, the model and the evaluators of a run.

    Args:
        request: the run's request.
        made_here: whether the set was made here; otherwise the method is not included.
    """
    methods = [request.method] if made_here else []
    names = dict.fromkeys(one.name for one in (*methods, request.control) if one is not None)
    return [
        *map(METHODS.code, names),
        DATASETS.code(request.task.dataset),
        MODELS.code(request.task.model.name),
        *map(EVALUATORS.code, request.evaluators),
    ]


def foreign_code(request: RunRequest) -> dict[str, str | None]:
    """Digests, for keys, of the code of other packages that takes part in scoring a set."""
    taking_part: list[tuple[Registry[Any], str]] = [
        (DATASETS, request.task.dataset),
        *((EVALUATORS, name) for name in request.evaluators),
    ]
    return {
        f"{registry.noun} {name}": found["code"]
        for registry, name in taking_part
        if (found := registry.code_identity(name))
    }
