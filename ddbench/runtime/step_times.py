"""Seconds of single steps over all processes that took part, summed up for records."""

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
    """What a step costs. Seconds; the first step of every process counts apart, as warming up.

    Args:
        steps: number of all steps.
        first: of the first step of all.
        timed: number of steps that the figures below are of: all but the first of each process,
            or that one where there is no other.
        mean: over a whole run; what steps that do more than others cost on average.
        median: of them.
        lower_quartile: a quarter of them took less.
        upper_quartile: a quarter of them took more.
        longest: of them.
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
    """A clock of steps whose readings travel in checkpoints.

    Args:
        seconds: of each step so far, those of earlier processes first.
        warm_ups: positions of the first step of each process.
    """

    seconds: list[float] = field(default_factory=list)
    warm_ups: list[int] = field(default_factory=list)
    _fresh: bool = True

    @contextmanager
    def step(self, device: torch.device) -> Iterator[None]:
        """Time a block to the end of its work on the device; one that fails is not counted."""
        begun = monotonic_seconds(device)
        yield
        if self._fresh:
            self.warm_ups.append(len(self.seconds))
            self._fresh = False
        self.seconds.append(monotonic_seconds(device) - begun)

    def plain(self) -> dict[str, Any]:
        """What a checkpoint keeps."""
        return {
            "seconds": torch.tensor(self.seconds, dtype=torch.float64),
            "warm_ups": list(self.warm_ups),
        }

    @classmethod
    def continued(cls, saved: dict[str, Any]) -> StepTimes:
        """The times of an unfinished run, to continue in this process."""
        return cls(saved["seconds"].tolist(), list(saved["warm_ups"]))

    def summary(self) -> StepSummary | None:
        """What a step costs; None where there was none."""
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
