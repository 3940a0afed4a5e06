"""Costs: each phase pays for itself alone."""

from __future__ import annotations

import sys

import pytest
import torch

from ddbench.records.cost import PhaseCost
from ddbench.runtime import meters
from ddbench.runtime.meters import CostMeter

CPU = torch.device("cpu")
MEGABYTE = 1_000_000


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(meters, "time", made)
    return made


def test_outer_phase_does_not_pay_for_the_inner_one(clock: Clock) -> None:
    meter = CostMeter(CPU)
    with meter.measure() as outer:
        clock.now += 1
        with meter.measure() as inner:
            clock.now += 10
            with meter.measure() as innermost:
                clock.now += 100
            clock.now += 20
        clock.now += 2
    clock.now += 1000
    assert (outer.wall_seconds, inner.wall_seconds, innermost.wall_seconds) == (3, 30, 100)


def test_cost_of_earlier_processes_is_added_to(clock: Clock) -> None:
    earlier = PhaseCost(wall_seconds=5, resident_peak_bytes=10**15)
    with CostMeter(CPU).measure(earlier) as cost:
        clock.now += 2
    assert cost is earlier
    assert cost.wall_seconds == 7
    assert cost.resident_peak_bytes == 10**15


def test_update_counts_nothing_twice(clock: Clock) -> None:
    meter = CostMeter(CPU)
    with meter.measure() as cost:
        clock.now += 3
        meter.update()
        assert cost.wall_seconds == 3
        clock.now += 4
    assert cost.wall_seconds == 7
    meter.update()
    assert cost.wall_seconds == 7


def test_phase_that_fails_is_counted_and_closed(clock: Clock) -> None:
    meter = CostMeter(CPU)
    costs = [PhaseCost(), PhaseCost()]

    def fail() -> None:
        with meter.measure(costs[1]):
            clock.now += 2
            raise ValueError("trouble")

    with meter.measure(costs[0]):
        with pytest.raises(ValueError, match="trouble"):
            fail()
        clock.now += 1
    assert [cost.wall_seconds for cost in costs] == [1, 2]


@pytest.mark.skipif(sys.platform != "linux", reason="the resident peak is reset on Linux alone")
def test_each_phase_has_a_peak_of_its_own() -> None:
    meter = CostMeter(CPU)
    with meter.measure() as before:
        pass
    with meter.measure() as heavy:
        block = torch.ones(200 * MEGABYTE // 4)
        del block
    with meter.measure() as light:
        small = torch.ones(MEGABYTE // 4)
    assert len(small)
    assert heavy.resident_peak_bytes > before.resident_peak_bytes + 150 * MEGABYTE
    assert light.resident_peak_bytes < heavy.resident_peak_bytes - 150 * MEGABYTE


@pytest.mark.skipif(sys.platform != "linux", reason="the resident peak is reset on Linux alone")
def test_peak_of_an_inner_phase_is_not_that_of_the_outer_one() -> None:
    meter = CostMeter(CPU)
    with meter.measure() as outer, meter.measure() as inner:
        block = torch.ones(200 * MEGABYTE // 4)
        del block
    assert outer.resident_peak_bytes < inner.resident_peak_bytes - 150 * MEGABYTE


def test_sum_adds_seconds_and_takes_the_largest_peaks() -> None:
    costs = [PhaseCost(1, 10, None, None), PhaseCost(2, 5, 7, 9), PhaseCost(4, 1, 3, 20)]
    total = PhaseCost.total(cost.plain() for cost in costs)
    assert total == PhaseCost(7, 10, 7, 20)
    assert total.peak_bytes == 7
    assert costs[0].peak_bytes == 10
