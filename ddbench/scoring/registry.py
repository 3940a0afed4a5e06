"""The evaluators, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..plugins.registry import Registry

if TYPE_CHECKING:
    from .evaluator import Evaluator


EVALUATORS: Registry[Evaluator] = Registry(
    "evaluator", "ddbench.evaluators", "ddbench.scoring.evaluator:Evaluator", "ddbench.evaluators"
)
