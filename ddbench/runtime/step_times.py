"""Seconds of single steps over all processes involved, summarised for records."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from .meters import monotonic_seconds


@dataclass(frozen=True)
class StepSummary:
    """The time of a step in seconds; the first step of every process is excluded as warm-up.

    Args:
        steps: number of all steps.
        first: seconds of the very first step.
        timed: number of steps behind the values below: all but the first of each process, or the
            first step if there are no others.
        mean: mean of these steps, which includes steps that do more work than others.
        median: their median.
        lower_quartile: a quarter of them took less.
        upper_quartile: a quarter of them took more.
        longest: their maximum.
    """

    steps: int
    first: float
    timed: int
    mean: float
    median: float
    lower_quartile: float
    upper_quartile: float
    longest: float

    def plain(self) -> dict[str, Any]:
        """Plain JSON types."""
        return asdict(self)


@dataclass
class StepTimes:
    """A timer of steps whose readings are saved in checkpoints.

    Args:
        seconds: seconds of each step so far, including earlier processes.
        warm_ups: indices of the first step of each process.
    """

    seconds: list[float] = field(default_factory=list)
    warm_ups: list[int] = field(default_factory=list)
    _fresh: bool = True

    @contextmanager
    def step(self, device: torch.device) -> Iterator[None]:
        """Time a block until its work on the device is done; a block that fails is not counted."""
        begun = monotonic_seconds(device)
        yield
        if self._fresh:
            self.warm_ups.append(len(self.seconds))
            self._fresh = False
        self.seconds.append(monotonic_seconds(device) - begun)

    def plain(self) -> dict[str, Any]:
        """The readings for a checkpoint."""
        return {
            "seconds": torch.tensor(self.seconds, dtype=torch.float64),
            "warm_ups": list(self.warm_ups),
        }

    @classmethod
    def continued(cls, saved: dict[str, Any]) -> StepTimes:
        """The times of an unfinished run, to continue in this process."""
        return cls(saved["seconds"].tolist(), list(saved["warm_ups"]))

    def summary(self) -> StepSummary | None:
        """The summary of all steps; None if there were none."""
        if not self.seconds:
            return None
        apart = set(self.warm_ups)
        timed = [s for i, s in enumerate(self.seconds) if i not in apart] or self.seconds[:1]
        lower, middle, upper = (
            statistics.quantiles(timed, n=4, method="inclusive") if len(timed) > 1 else timed * 3
        )
        mean = math.fsum(timed) / len(timed)
        return StepSummary(
            len(self.seconds), self.seconds[0], len(timed), mean, middle, lower, upper, max(timed)
        )
