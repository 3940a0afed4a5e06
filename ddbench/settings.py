"""Settings of a plugin: a flat, typed dataclass whose fields carry their meaning and range."""

from __future__ import annotations

import dataclasses
import enum
import math
from dataclasses import dataclass
from typing import Any

from .errors import UserError


def setting(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    scaled: str | None = None,
) -> Any:
    """A field of a settings dataclass.

    Args:
        default: the value where neither a recipe nor a person gives one.
        help: what it means, with its unit; shown by `ddbench show`.
        low: the smallest value allowed.
        high: the largest value allowed.
        above: a bound that the value must exceed.
        scaled: which fraction of the budget shrinks the value: "distilling" or "teachers".
    """
    metadata = {"help": help, "low": low, "high": high, "above": above, "scaled": scaled}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass
class Settings:
    """Base of all settings: every field is made with `setting` and checked when constructed."""

    def __post_init__(self) -> None:
        for item in dataclasses.fields(self):
            problem = range_problem(getattr(self, item.name), **_bounds(item))
            if problem:
                raise UserError(f"{item.name}={getattr(self, item.name)}: {problem}")

    def plain(self) -> dict[str, Any]:
        """Names and values in plain JSON types (an enum by its name)."""
        return {item.name: _plain(getattr(self, item.name)) for item in dataclasses.fields(self)}


def range_problem(
    value: Any, low: float | None = None, high: float | None = None, above: float | None = None
) -> str | None:
    """What is wrong with a number, in words, or None."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if not math.isfinite(value):
        return "must be a finite number"
    if low is not None and value < low:
        return f"must be at least {low}"
    if high is not None and value > high:
        return f"must be at most {high}"
    if above is not None and value <= above:
        return f"must be above {above}"
    return None


def _bounds(item: dataclasses.Field[Any]) -> dict[str, Any]:
    return {name: item.metadata.get(name) for name in ("low", "high", "above")}


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
