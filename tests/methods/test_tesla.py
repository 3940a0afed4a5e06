"""What TESLA adds to trajectory matching; its gradient is compared in test_mtt."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ddbench.config import RunRequest
from ddbench.distilled import DistilledSet
from ddbench.networks import labeller
from ddbench.plugins import METHODS
from ddbench.runner import execute, opened
from ddbench.task import Task


@pytest.fixture
def request_for(tiny: Callable[..., RunRequest], tmp_path: Path) -> Callable[..., RunRequest]:
    return lambda *overrides: tiny(tmp_path, "method=tesla", "model.width=8", "ipc=2", *overrides)


def test_first_step_is_that_of_mtt_where_the_student_takes_one_step(
    request_for: Callable[..., RunRequest],
) -> None:
    request = request_for("method.student_steps=1", "method.step_size_rate=0.00001")
    moved = []
    for name in ("mtt", "tesla"):
        with opened(request, quiet=True) as (lab, _):
            settings = dict(vars(request.method.settings))
            del settings["soft_labels"]
            method: Any = METHODS[name](Task(request.task, lab), METHODS[name].Settings(**settings))
            method.begin()
            method.step(0)
            moved.append((method.images, method.step_size))
    torch.testing.assert_close(moved[0], moved[1])


def test_soft_labels_are_predictions_of_the_network_that_the_set_names(
    request_for: Callable[..., RunRequest],
) -> None:
    request = request_for("method.soft_labels=true", "method.iterations=2", "protocols=[paper]")
    outcome = execute(request, quiet=True)
    distilled = DistilledSet.load(outcome.folder / "distilled.safetensors")
    assert distilled.soft_label_kind == "probabilities"
    assert distilled.soft_labels is not None
    torch.testing.assert_close(distilled.soft_labels.sum(1), torch.ones(20))
    with opened(request, quiet=True) as (lab, _):
        network = labeller(lab, distilled.labeller or "")
        assert network is not None
        method: Any = METHODS["tesla"](Task(request.task, lab), request.method.settings)
        method.begin()
        method.step(0)
        before = method.images  # what the second student saw, and was labelled for
        predicted = network(before).softmax(1)
    torch.testing.assert_close(distilled.soft_labels, predicted)


def test_class_ids_are_the_labels_unless_asked_otherwise(
    request_for: Callable[..., RunRequest],
) -> None:
    outcome = execute(request_for("protocols=[hard]"), quiet=True)
    distilled = DistilledSet.load(outcome.folder / "distilled.safetensors")
    assert distilled.soft_labels is None
    assert distilled.learned_rate == pytest.approx(distilled.evaluation.learning_rate)  # type: ignore[union-attr]
