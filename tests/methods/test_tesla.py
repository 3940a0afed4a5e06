"""What TESLA adds to trajectory matching; its gradient is compared in test_mtt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from closeness import assert_close

from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.runs.execute import execute, opened
from ddbench.runs.request import RunRequest
from ddbench.teachers.pool import labeller

pytestmark = pytest.mark.numerical
LOGIT = 280
"""Terms of a logit: filters of 9 and 72, norms over 64 and 16 pixels, poolings, 32 features."""


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
            moved.append((method.images - method.start, method.step_size - 0.01))
    for mtt, tesla, size in zip(*moved, (method.start.abs().max(), 0.01), strict=True):
        # Forward, backward and twice backward again; and two roundings of what moved.
        assert_close(tesla, mtt, terms=6 * LOGIT + 2 * float(size / mtt.abs().max()))


def test_gradient_lies_as_near_to_the_exact_one_as_the_module_says(
    tiny: Callable[..., RunRequest], room: Callable[[str], ModuleType], tmp_path: Path
) -> None:
    """The case and the figures of tesla.py, with .01 to spare for other machines' arithmetic."""
    matching = room("_trajectory_matching")
    request = tiny(
        tmp_path, "method=tesla", "model.width=8", "ipc=1", "method.experts=1",
        "method.trajectory_epochs=25", "method.trajectory_epoch_steps=0",
        "method.expert_epochs=5", "method.student_steps=30", "method.step_size=0.02",
    )  # fmt: skip
    cosines: dict[int, list[float]] = {2: [], 10: [], 30: []}
    lengths = []
    with opened(request, quiet=True) as (lab, _):
        method: Any = METHODS["tesla"](Task(request.task, lab), request.method.settings)
        method.begin()
        for start in (0, 10, 20):
            student = method.student(0, 0, start, method.targets)
            for steps, found in cosines.items():
                shorter = replace(student, order=student.order[:steps])
                exact = matching.unrolled_gradient(shorter).images.flatten()
                tesla = matching.detached_gradient(shorter).images.flatten()
                found.append(float(torch.cosine_similarity(tesla, exact, dim=0)))
                lengths.append(float(tesla.norm() / exact.norm()))
    assert min(cosines[2]) > 0.99
    assert all(0.95 < cosine < 1.0 for cosine in cosines[10])
    assert all(0.87 < cosine < 0.93 for cosine in cosines[30])
    assert min(lengths) > 0.98
    assert 1.1 < max(lengths) < 1.21


def test_soft_labels_are_predictions_of_the_network_that_the_set_names(
    request_for: Callable[..., RunRequest],
) -> None:
    request = request_for("method.soft_labels=true", "method.iterations=2", "protocols=[paper]")
    outcome = execute(request, quiet=True)
    distilled = DistilledSet.load(outcome.folder / "distilled.safetensors")
    assert distilled.soft_label_kind == "probabilities"
    assert distilled.soft_labels is not None
    assert_close(distilled.soft_labels.sum(1), torch.ones(20), terms=2 * 10)
    with opened(request, quiet=True) as (lab, _):
        network = labeller(lab, distilled.labeller or "")
        assert network is not None
        method: Any = METHODS["tesla"](Task(request.task, lab), request.method.settings)
        method.begin()
        method.step(0)
        before = method.images  # what the second student saw, and was labelled for
        logits = network(before)
    # A probability takes on the absolute error of a logit.
    condition = max(1.0, float(logits.abs().max()))
    assert_close(distilled.soft_labels, logits.softmax(1), terms=LOGIT + 20, condition=condition)


def test_class_ids_are_the_labels_unless_asked_otherwise(
    request_for: Callable[..., RunRequest],
) -> None:
    outcome = execute(request_for("protocols=[hard]"), quiet=True)
    distilled = DistilledSet.load(outcome.folder / "distilled.safetensors")
    assert distilled.soft_labels is None
    assert distilled.learned_rate == pytest.approx(distilled.evaluation.learning_rate)  # type: ignore[union-attr]
