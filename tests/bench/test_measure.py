"""Turns are taken in pairs, quick work is repeated, and the other side may fail alone."""

from __future__ import annotations

import pytest

from ddbench.bench.measure import (
    FEWEST,
    MOST,
    PROCESSOR,
    ROUNDS,
    WALL,
    Measured,
    NotMeasured,
    Plan,
    Quartiles,
    measure,
)


class Scripted:
    """Answers as a worker does, with made-up seconds, and notes what it is asked for."""

    def __init__(self, log, who="own", seconds=1.0, device="cpu", operations=(100, 101)):
        self.log, self.who, self.seconds = log, who, seconds
        self.device, self.operations = device, operations
        self.fails_at = None

    def open(self, name, words, batch):
        self._asked("open", 0)
        parts = [{"which": f"step {n + 1}", "images": 10} for n in range(len(self.operations))]
        return {"parts": parts, "device": self.device, "threads": 1}

    def trace(self, part):
        return {"calls": int(self.operations[part] > 0), "operations": self.operations[part]}

    def peak(self, part):
        return {"peak_bytes": 7, "kept_bytes": None, **self._timed(self.seconds)}

    def step(self, part, times):
        self._asked("step", times)
        return self._timed(self.seconds)

    def floor(self, part, times):
        self._asked("floor", times)
        return self._timed(self.seconds / 4)

    def _asked(self, what, times):
        if what == self.fails_at:
            raise NotMeasured("it cannot")
        self.log.append((self.who, what, times))

    @staticmethod
    def _timed(seconds):
        return {WALL: 2 * seconds, PROCESSOR: seconds, "page_faults": 5}


def results(own, log=None, other=None, seconds=0):
    """What is measured of made-up work; the floor is done by a third side."""
    floor = Scripted([] if log is None else log, "floor", own.seconds)
    return measure(own, "work", [], "", Plan(seconds=seconds), floor, other)


def test_work_and_floor_take_turns_in_either_order():
    log = []
    (one,) = results(Scripted(log), log)
    pair = [("own", "step"), ("floor", "floor")]
    opened = [("own", "open"), ("floor", "open")]
    estimated = [("floor", "floor")]
    done = [(who, what) for who, what, _ in log]
    assert sorted(done[:2]) == sorted(opened)
    assert done[2:] == [*estimated, *pair, *reversed(pair), *pair]
    assert one.ratios_to_floor == [4.0] * FEWEST
    assert one.page_faults == [5] * FEWEST
    assert (one.label, one.peak_bytes, one.images_per_second) == ("work, step", 7, 5.0)


def test_another_side_has_its_turn_in_each_repetition():
    log = []
    other = Scripted(log, "other", seconds=3.0)
    (one,) = results(Scripted(log), log, other)
    turns = [("own", "step"), ("other", "step"), ("floor", "floor")]
    opened = [("own", "open"), ("other", "open"), ("floor", "floor")]
    done = [(who, what) for who, what, _ in log]
    there_and_back = [*opened, *turns, *opened, *reversed(turns)]
    assert done == [("floor", "open"), *there_and_back, *opened, *turns]
    assert one.ratios_to_other == [3.0] * ROUNDS
    assert one.other_peak_bytes == 7
    assert one.other_problem is None


@pytest.mark.parametrize("fails_at", ["open", "step"])
def test_where_the_other_side_fails_this_one_is_measured_alone(fails_at):
    other = Scripted([], "other")
    other.fails_at = fails_at
    (one,) = results(Scripted([]), other=other)
    assert one.other_problem == "it cannot"
    assert one.ratios_to_other == []
    assert len(one.ratios_to_floor) == len(one.wall_seconds) == FEWEST


def test_steps_that_compute_different_things_are_measured_apart():
    rows = results(Scripted([], operations=(300, 100)))
    assert [row.label for row in rows] == ["work, step 1", "work, step 2"]


def test_a_second_step_that_diverges_is_left_out():
    (row,) = results(Scripted([], operations=(300, 0)))
    assert row.label == "work, step"


def test_quick_work_is_done_often_for_one_reading_and_for_as_long_as_planned():
    log = []
    (one,) = results(Scripted(log, seconds=0.005), log, seconds=1)
    assert ("own", "step", 10) in log
    assert ("floor", "floor", 40) in log
    assert len(one.wall_seconds) == 5  # of 0.1 s and as much for the floor
    (one,) = results(Scripted([], seconds=0.005), seconds=1000)
    assert len(one.wall_seconds) == MOST


@pytest.mark.parametrize(("device", "clock"), [("cpu", PROCESSOR), ("cuda", WALL)])
def test_ratios_are_of_processor_time_where_that_is_all_the_work(device, clock):
    (one,) = results(Scripted([], device=device))
    assert one.clock == clock
    assert one.seconds == getattr(one, clock)


def test_work_without_convolutions_has_no_ratio():
    (one,) = results(Scripted([], operations=(0,)))
    assert one.ratios_to_floor == []
    assert one.floor_wall_seconds == []


def test_quartiles_are_those_of_the_values():
    assert Quartiles.of([]) is None
    assert Quartiles.of([2.0]) == Quartiles(2, 2, 2)
    assert Quartiles.of([4.0, 1.0, 3.0, 2.0, 5.0]) == Quartiles(2, 3, 4)


def test_what_people_see_while_they_wait_names_the_thing():
    one = Measured("work", "", "ipc=1", 3, WALL, calls=1)
    one.add("", {WALL: 2.0, PROCESSOR: 1.0, "page_faults": 5})
    one.add("floor_", {WALL: 0.5, PROCESSOR: 1.0})
    assert one.in_words() == "work ipc=1: 2 s, 4 x floor"
