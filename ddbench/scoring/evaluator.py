"""The contract of an evaluator: it measures a distilled set, or how it was made."""

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
    """Measures a finished run, from which it gets everything that it uses."""

    version: ClassVar[int] = 1
    """Incremented when its numbers change."""

    Settings: ClassVar[type[EvaluatorSettings]] = EvaluatorSettings

    small: ClassVar[tuple[str, ...]] = ()
    """Settings, as NAME=VALUE, that `ddbench test` uses if the defaults take long."""

    def __init__(self, settings: Any) -> None:
        """Keep the settings (an instance of `Settings`)."""
        self.settings = settings

    def skip(self, run: FinishedRun) -> str | None:
        """The reason why this run cannot be measured, or None."""
        return None

    def identity(self, dataset: str, data_root: Path) -> dict[str, Any]:
        """What determines its numbers besides version, settings and the run, for the run's key.

        For example the digest of a table in the data root; empty by default.

        Args:
            dataset: name of the run's dataset.
            data_root: the folder of datasets.
        """
        return {}

    @abstractmethod
    def evaluate(self, run: FinishedRun) -> list[Measurement]:
        """The measurements, in the order in which they are shown."""

    def figure(self, measurements: Sequence[Measurement]) -> Figure | None:
        """A figure of this evaluator's measurements, or None if there is nothing to draw.

        Args:
            measurements: as returned by `evaluate`, or read from a record.
        """
        return None
