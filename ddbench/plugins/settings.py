"""Settings of a plugin: a flat, typed dataclass whose fields carry their meaning and range."""

from __future__ import annotations

import dataclasses
import enum
import math
from dataclasses import dataclass
from typing import Any, TypeVar

from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import ConfigKeyError, OmegaConfBaseException

from ..errors import UserError, shortened, unknown_name


class StepCost(enum.Enum):
    """How the cost of a step depends on a method's setting."""

    batch = "batch"
    """The number of images in a step: time and memory scale with it."""
    chunk = "chunk"
    """The number of images passed through a network at a time, 0 for all: memory scales with it,
    and results change only by rounding."""
    steps = "steps"
    """Iterations within a step, each of which keeps a state: time and memory scale with them."""
    repeats = "repeats"
    """Iterations within a step that leave memory unchanged."""


def setting(
    default: Any,
    help: str,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    scaled: str | None = None,
    left_out_at_default: bool = False,
    place: bool = False,
    cost: StepCost | None = None,
) -> Any:
    """A field of a settings dataclass.

    Args:
        default: the value if neither a recipe nor the user gives one.
        help: what it means, with its unit; shown by `ddbench show`.
        low: the smallest value allowed.
        high: the largest value allowed.
        above: a bound that the value must exceed.
        scaled: which fraction of the budget shrinks the value: "distilling" or "teachers".
        left_out_at_default: whether `Settings.plain` omits the setting at its default. A setting
            added to a plugin in use needs this: the default is what the plugin did before, and
            the keys of earlier results stay the same.
        place: whether it says where files are and not what they contain: a record keeps it
            separately, and it does not distinguish boards.
        cost: how the time and memory of a method's step depend on it, used to predict them.
    """
    metadata = {
        "help": help,
        "low": low,
        "high": high,
        "above": above,
        "scaled": scaled,
        "left_out_at_default": left_out_at_default,
        "place": place,
        "cost": cost,
    }
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata=metadata)
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
        """Names and values in plain JSON types (an enum by its name), for keys and records."""
        left_out = {
            item.name
            for item in dataclasses.fields(self)
            if item.metadata.get("left_out_at_default")
            and getattr(self, item.name) == _default(item)
        }
        return {name: value for name, value in self.shown().items() if name not in left_out}

    def shown(self) -> dict[str, Any]:
        """As `plain`, including the settings that it omits at their defaults."""
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


S = TypeVar("S", bound=Settings)


def typed_settings(settings_type: type[S], values: Any, where: str) -> S:
    """A settings dataclass from plain values.

    Raises:
        UserError: one line for an unknown name, a wrong type, or a value out of range.
    """
    known = [item.name for item in dataclasses.fields(settings_type)]
    try:
        node = OmegaConf.merge(OmegaConf.structured(settings_type), values)
        made = OmegaConf.to_object(node)
    except ConfigKeyError as error:
        raise unknown_name(f"setting of {where}", str(error.key), known) from error
    except OmegaConfBaseException as error:
        raise UserError(f"{where}: {one_line(error)}") from error
    except UserError as error:
        raise UserError(f"{where}: {error}") from error
    assert isinstance(made, settings_type)
    return made


def one_line(error: Exception) -> str:
    """The informative part of a message of OmegaConf or Hydra, in one line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    key = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("full_key")), "")
    told = [line for line in lines if not line.startswith(("full_key", "object_type", "reference"))]
    text = shortened(" ".join(told[:2])) or type(error).__name__
    if "is not Optional" in text:
        text = "null is not allowed here"
    return f"{key}: {text}" if key else text


def schema(settings_type: type[Settings]) -> DictConfig:
    """The typed node of a plugin with every value missing, so that any value present was given."""
    node: DictConfig = OmegaConf.structured(settings_type)
    for item in dataclasses.fields(settings_type):
        node[item.name] = MISSING
    return node


def schema_problem(settings_type: type[Settings]) -> str | None:
    """Why a settings dataclass has no schema, in one line, or None."""
    left_over = [name for name, own in vars(settings_type).items() if _is_field(own)]
    if left_over:
        return f"{left_over[0]} is not a field; the class lacks @dataclass"
    try:
        schema(settings_type)
    except OmegaConfBaseException as error:
        return one_line(error)
    return None


def _is_field(value: Any) -> bool:
    return isinstance(value, dataclasses.Field)


def given_values(node: Any, where: str) -> dict[str, Any]:
    """The values of a plugin's node that the user gave.

    Args:
        node: the plugin's node of the configuration, a table of settings.
        where: whose settings they are, for messages, such as "method apm".

    Raises:
        UserError: if the node is a single value and not a table.
    """
    if not isinstance(node, DictConfig):
        raise UserError(f"{where}: its settings are given by name, NAME=VALUE")
    return {str(key): node[key] for key in node if not OmegaConf.is_missing(node, key)}


def _bounds(item: dataclasses.Field[Any]) -> dict[str, Any]:
    return {name: item.metadata.get(name) for name in ("low", "high", "above")}


def _default(item: dataclasses.Field[Any]) -> Any:
    made = item.default_factory
    return item.default if made is dataclasses.MISSING else made()


def _plain(value: Any) -> Any:
    if isinstance(value, enum.Enum):
        return value.name
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    return value
