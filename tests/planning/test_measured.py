"""What is measured on this machine for a plan."""

from __future__ import annotations

import pytest

from ddbench.planning.data_shape import data_shape
from ddbench.planning.measured import BATCHES, Measurer, TrainingCost, resident_bytes
from ddbench.runs.compose import request_of

WORDS = ["method=dm", "dataset=digits", "ipc=2", "budget=smoke", "model.width=4", "model.depth=1"]


@pytest.fixture
def measurer(tmp_path):
    request = request_of([*WORDS, f"runs_root={tmp_path}"])
    shape = data_shape(request.task.lab, request.data_root)
    return Measurer(request, resident_bytes()), request, shape


def test_a_step_is_measured_once_and_found_again(measurer, monkeypatch):
    measuring, request, shape = measurer
    training = measuring.training(request, shape)
    assert training.seconds_per_image > 0
    assert measuring.seconds_to_measure(request, shape, training) > 0
    first = measuring.step(request, shape)
    assert first.bytes > 0
    assert measuring.seconds_to_measure(request, shape, training) == 0
    monkeypatch.setattr("ddbench.planning.measured._worker", None)  # measuring again would fail
    assert measuring.step(request, shape) == first
    assert measuring.training(request, shape) == training


def test_a_selection_has_no_step_to_measure(measurer, tmp_path):
    measuring, _, shape = measurer
    request = request_of(["method=random", *WORDS[1:], f"runs_root={tmp_path}"])
    assert measuring.step(request, shape) is None


def test_bytes_of_training_lie_on_a_straight_line_and_never_below_nothing():
    cost = TrainingCost(1.0, (100, 100 + BATCHES[1] - BATCHES[0]), 0, 0)
    assert cost.bytes_of(BATCHES[0]) == 100
    assert cost.bytes_of(BATCHES[0] + 7) == 107
    assert TrainingCost(1.0, (5, 1), 0, 0).bytes_of(500) == 5
    assert TrainingCost(1.0, (0, 480), 0, 0).bytes_of(1) == 0
