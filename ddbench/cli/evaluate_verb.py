"""`ddbench evaluate`: score a distilled set from a file."""

from __future__ import annotations

from collections.abc import Sequence

from ..api import evaluate
from ..errors import UserError
from ..records.report import measurement_tables


def evaluate_file(arguments: Sequence[str]) -> int:
    """Print what the evaluators say of a set; those that cannot measure it say why before."""
    files = [word for word in arguments if "=" not in word]
    if len(files) != 1:
        raise UserError("evaluate what? one file, such as `ddbench evaluate set.safetensors`")
    measured = evaluate(files[0], [word for word in arguments if "=" in word])
    print(measurement_tables(measured))
    return 0
