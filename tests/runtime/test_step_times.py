"""Seconds of steps: the first of each process apart, over all processes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from clock import Clock

from ddbench.runtime.step_times import StepTimes

CPU = torch.device("cpu")


def go(times: StepTimes, clock: Clock, *seconds: float) -> None:
    for one in seconds:
        with times.step(CPU):
            clock.now += one
        clock.now += 1000  # between steps


def test_first_step_is_apart_and_the_others_have_numpys_quartiles(clock: Clock) -> None:
    times = StepTimes()
    others = [1.0, 2.0, 4.0, 3.0, 8.0, 1.5]
    go(times, clock, 60, *others)
    summary = times.summary()
    assert summary is not None
    assert (summary.steps, summary.first, summary.timed) == (7, 60, 6)
    assert [summary.lower_quartile, summary.median, summary.upper_quartile] == pytest.approx(
        np.quantile(others, [0.25, 0.5, 0.75])
    )
    assert (summary.mean, summary.longest) == pytest.approx((np.mean(others), 8))


def test_first_step_after_resuming_is_apart_too(clock: Clock) -> None:
    before = StepTimes()
    go(before, clock, 60, 2)
    after = StepTimes.continued(before.plain())
    go(after, clock, 50, 4)
    summary = after.summary()
    assert summary is not None
    assert (summary.steps, summary.first, summary.timed) == (4, 60, 2)
    assert (summary.median, summary.longest) == (3, 4)
    assert before.summary() != summary


def test_failing_step_is_not_counted(clock: Clock) -> None:
    times = StepTimes()
    with pytest.raises(ValueError, match="trouble"), times.step(CPU):
        raise ValueError("trouble")
    assert times.summary() is None
    go(times, clock, 5)
    summary = times.summary()
    assert summary is not None
    assert (summary.steps, summary.first, summary.timed, summary.median) == (1, 5, 1, 5)
