"""The contract of an evaluator: it measures a distilled set, or the making of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from .finished import FinishedRun
from .settings import Settings

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .lab import Lab


@dataclass
class EvaluatorSettings(Settings):
    """Settings of an evaluator."""


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


class Evaluator(ABC):
    """Something that measures; it reaches the world only through the finished run it is given."""

    version: ClassVar[int] = 1
    """Raised when its numbers change."""

    Settings: ClassVar[type[EvaluatorSettings]] = EvaluatorSettings

    def __init__(self, settings: Any) -> None:
        """Keep the settings (an instance of `Settings`)."""
        self.settings = settings

    def skip(self, run: FinishedRun) -> str | None:
        """Why this run cannot be measured, or None."""
        return None

    def determinants(self, lab: Lab) -> dict[str, Any]:
        """What determines its numbers besides version, settings and the run, for the run's key.

        Such as the digest of a table in the data root; nothing by default.
        """
        return {}

    @abstractmethod
    def evaluate(self, run: FinishedRun) -> list[Measurement]:
        """The measurements, in the order in which they are shown."""

    def figure(self, measurements: Sequence[Measurement]) -> Figure | None:
        """A picture of this evaluator's measurements, or None where there is nothing to draw.

        Args:
            measurements: as `evaluate` gave them, or read back from a record.
        """
        return None
