"""Costs: each phase pays for itself alone."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest
import torch
from clock import Clock

from ddbench.records.cost import Peak, PhaseCost, largest_peak
from ddbench.runtime.meters import CostMeter

CPU = torch.device("cpu")
MEGABYTE = 1_000_000


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
    assert total.peak == Peak("allocated", 7)
    assert costs[0].peak == Peak("resident", 10)


def test_phase_that_allocates_nothing_on_an_accelerator_has_that_peak() -> None:
    assert PhaseCost(1, 10, 0, 0).peak == Peak("allocated", 0)
    assert PhaseCost(1, 0).peak is None
    peaks = [PhaseCost(1, 10, 0, 0).peak, PhaseCost(1, 20).peak, None]
    assert largest_peak(peaks) == Peak("allocated", 0)
    assert largest_peak([None]) is None


def test_each_phase_begins_without_what_torch_keeps_of_earlier_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With a fake accelerator that counts what is cached, and the largest cache since a reset."""
    held = {"cached": 0, "peak": 0}

    def work(count: int) -> None:
        held["cached"] = max(held["cached"], count)
        held["peak"] = max(held["peak"], held["cached"])

    fakes: dict[str, Callable[..., object]] = {
        "synchronize": lambda device: None,
        "empty_cache": lambda: held.update(cached=0),
        "reset_peak_memory_stats": lambda device: held.update(peak=held["cached"]),
        "max_memory_allocated": lambda device: 0,
        "max_memory_reserved": lambda device: held["peak"],
    }
    for name, fake in fakes.items():
        monkeypatch.setattr(torch.cuda, name, fake)
    meter = CostMeter(torch.device("cuda"))
    with meter.measure() as outer:
        work(5)
        with meter.measure() as heavy:
            work(100)
            meter.update()
        work(7)
    with meter.measure() as light:
        work(1)
    reserved = [cost.reserved_peak_bytes for cost in (outer, heavy, light)]
    assert reserved == [7, 100, 1]
