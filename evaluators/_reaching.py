"""When a curve of accuracy first reaches a target."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from ddbench.records.statistics import ROUNDING


def first_reaching(accuracies: Sequence[Sequence[float]], target: float) -> int | None:
    """The first point at which the mean over networks reaches the target; None if it never does.

    Args:
        accuracies: one curve per network, all over the same points.
        target: an accuracy.
    """
    means = (fmean(each) for each in zip(*accuracies, strict=True))
    return next((point for point, mean in enumerate(means) if mean >= target - ROUNDING), None)
