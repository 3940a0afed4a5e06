"""The contract of an evaluator: it measures a distilled set, or the making of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from ..plugins.settings import Settings
from ..records.measurement import Measurement
from .finished_run import FinishedRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass
class EvaluatorSettings(Settings):
    """Settings of an evaluator."""


class Evaluator(ABC):
    """Something that measures; it reaches the world only through the finished run it is given."""

    version: ClassVar[int] = 1
    """Raised when its numbers change."""

    Settings: ClassVar[type[EvaluatorSettings]] = EvaluatorSettings

    small: ClassVar[tuple[str, ...]] = ()
    """Settings, as NAME=VALUE, with which `ddbench test` checks it: for defaults that take long."""

    def __init__(self, settings: Any) -> None:
        """Keep the settings (an instance of `Settings`)."""
        self.settings = settings

    def skip(self, run: FinishedRun) -> str | None:
        """Why this run cannot be measured, or None."""
        return None

    def identity(self, dataset: str, data_root: Path) -> dict[str, Any]:
        """What determines its numbers besides version, settings and the run, for the run's key.

        Such as the digest of a table in the data root; nothing by default.

        Args:
            dataset: name of the run's dataset.
            data_root: the folder of datasets.
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
