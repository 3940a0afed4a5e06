"""A measurement: one number with what is needed to read it."""

from __future__ import annotations

from dataclasses import dataclass, field

Coordinates = dict[str, str | int | float]


@dataclass(frozen=True)
class Measurement:
    """One number with what is needed to read it.

    Args:
        metric: what was measured, such as "accuracy".
        value: the number; None where it could not be measured, with `note` saying why.
        unit: "fraction", "seconds", "bytes", ….
        values: the values behind it, one an evaluation network.
        coordinates: what it belongs to, such as protocol, subject, architecture.
        note: what a reader must know.
        interval: lower and upper bound of `value` at 95%, where it has one that does not follow
            from `values`; the evaluator says of what kind.
    """

    metric: str
    value: float | None
    unit: str
    values: tuple[float, ...] = ()
    coordinates: Coordinates = field(default_factory=dict)
    note: str = ""
    interval: tuple[float, float] | None = None
