"""Exponents are those of least squares, and only what has a size grows with it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from ddbench import UserError
from ddbench.bench.growth import SIZES, Exponent, exponent, grow, sizes_named, words_of
from ddbench.bench.measure import PROCESSOR, WALL, Plan
from ddbench.bench.workloads import names, settings_of

BY_NAME = {size.name: size for size in SIZES}


def test_the_exponent_of_a_power_law_is_found():
    fit = exponent([1, 2, 4, 8], [3 * x**1.5 for x in (1, 2, 4, 8)])
    assert fit is not None
    assert fit.value == pytest.approx(1.5)
    assert (fit.low, fit.high) == pytest.approx((1.5, 1.5))


def test_exponent_and_interval_equal_the_normal_equations():
    x, y = np.array([10.0, 25, 50, 100]), np.array([3.0, 5, 14, 20])
    design = np.stack([np.ones(4), np.log(x)], axis=1)
    solution = np.linalg.solve(design.T @ design, design.T @ np.log(y))
    rest = np.log(y) - design @ solution
    variance = rest @ rest / 2 * np.linalg.inv(design.T @ design)[1, 1]
    half = stats.t.ppf(0.975, 2) * math.sqrt(variance)
    fit = exponent(x, y)
    assert fit is not None
    assert (fit.value, fit.low, fit.high) == pytest.approx(
        (solution[1], solution[1] - half, solution[1] + half)
    )


def test_what_stays_alike_has_the_exponent_0():
    assert exponent([1, 2, 4], [7, 7, 7]) == Exponent(0.0, 0.0, 0.0)
    assert exponent([1, 2], [7, 7]) == Exponent(0.0, None, None)


def test_what_has_no_exponent_has_none():
    assert exponent([1], [2.0]) is None
    assert exponent([1, 2, 4], [0, 1, 2]) is None
    two = exponent([1, 2], [1.0, 4.0])
    assert two is not None
    assert (two.value, two.low) == (pytest.approx(2), None)


def test_each_size_suits_some_work_and_has_three_or_four_values():
    for size in SIZES:
        assert 3 <= len(size.values) <= 4
        assert [name for name in names() if words_of(size, name) is not None]


@pytest.mark.parametrize("name", names())
def test_a_method_grows_with_what_it_has_a_setting_for(name):
    settings = settings_of(name)
    grows = {size.name for size in SIZES if words_of(size, name) is not None}
    assert {"resolution"} <= grows
    of_settings = {
        size.name: size.key.removeprefix("method.")
        for size in SIZES
        if size.key.startswith("method.")
    }
    assert {"K", "segment", "steps", "pool", "solver", "window", "total"} == of_settings.keys()
    for size, name_of_setting in of_settings.items():
        assert (size in grows) == (settings is not None and name_of_setting in settings)
    if settings is None:
        assert "N" not in grows
    else:
        assert {"ipc", "classes", "width"} <= grows


def test_a_dataset_of_one_size_does_not_grow():
    of_any_size, of_one = ["dataset=random_pixels"], ["dataset=digits"]
    for size in (size for size in SIZES if size.key.startswith("dataset.")):
        grows = [name for name in names() if words_of(size, name, of_any_size) is not None]
        assert grows
        assert not [name for name in grows if words_of(size, name, of_one) is not None]


def test_sizes_are_chosen_by_name():
    assert sizes_named("all") == list(SIZES)
    assert sizes_named("width,ipc,width") == [BY_NAME["width"], BY_NAME["ipc"]]
    with pytest.raises(UserError, match="unknown size 'witdh': did you mean width"):
        sizes_named("ipc,witdh")


class Growing:
    """A worker whose seconds are the square of a size, and whose memory is that size and stays."""

    def __init__(self, peak=True):
        self.opened, self.peak_known = [], peak

    def open(self, name, words, batch):
        self.opened.append((list(words), batch))
        self.size = batch if batch != 7 else int(words[-1].partition("=")[2])
        return {"parts": [{"which": "", "images": 1}], "device": "cpu", "threads": 1}

    def trace(self, part):
        return {"calls": 1, "operations": 1}

    def peak(self, part):
        found = self.size if self.peak_known else None
        return {"peak_bytes": found, "kept_bytes": found, **self.step(part, 1)}

    def step(self, part, times):
        return {WALL: 0.0, PROCESSOR: float(self.size**2)}


@pytest.mark.parametrize(("size", "name"), [("width", "student"), ("batch", "teacher")])
def test_growth_is_measured_at_each_value_in_place_of_the_given_one(size, name):
    worker, words = Growing(), ["ipc=1", "model.width=8"]
    (found,) = grow(worker, name, words, "", BY_NAME[size], Plan(batch=7))
    assert found.values == BY_NAME[size].values
    assert found.of_seconds is not None
    assert found.of_seconds.value == pytest.approx(2)
    assert found.of_memory is not None
    assert found.of_memory.value == pytest.approx(1)
    assert found.of_kept is not None
    assert found.of_kept.value == pytest.approx(1)
    given = [words for words, _ in worker.opened]
    if size == "width":
        assert given == [["ipc=1", f"model.width={value}"] for value in found.values]
    else:
        assert [batch for _, batch in worker.opened] == list(found.values)
        assert given == [words] * len(found.values)
    assert found.plain()["seconds_exponent"]["value"] == pytest.approx(2)


def test_unknown_memory_has_no_exponent():
    (found,) = grow(Growing(peak=False), "student", [], "", BY_NAME["width"], Plan(batch=7))
    assert found.peak_bytes == ()
    assert found.of_memory is None
    assert found.of_kept is None
