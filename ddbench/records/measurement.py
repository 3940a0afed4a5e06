"""A measurement: one number with its context."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from pydantic import ConfigDict

from .fields import Coordinate, Line, Name, Number, Text

Coordinates = dict[str, str | int | float]


@dataclass(frozen=True)
class Measurement:
    """One number with its unit and context.

    The constructor checks nothing, so it is cheap; a record checks all of its measurements.

    Args:
        metric: what was measured, such as "accuracy".
        value: the number; None if it could not be measured, with the reason in `note`.
        unit: "fraction", "seconds", "bytes", ….
        values: the values that it summarises, one per evaluation network.
        coordinates: what was measured where, such as protocol, subject, architecture.
        note: what a reader must know.
        interval: lower and upper bound of `value` at 95%, if it has an interval that does not
            follow from `values`; the evaluator states its kind.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", allow_inf_nan=False, revalidate_instances="always"
    )

    metric: Name
    value: Number | None
    unit: Line
    values: tuple[Number, ...] = ()
    coordinates: dict[Name, Coordinate] = field(default_factory=dict)
    note: Text = ""
    interval: tuple[Number, Number] | None = None
