"""The soft label baseline: Random's images, and an early teacher's probabilities."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ddbench.distilling.loop import distil
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest
from ddbench.runtime.randomness import RandomStream
from ddbench.scoring.protocols import PROTOCOLS
from ddbench.scoring.training_sets import training_set
from ddbench.training.loop import Training
from ddbench.training.recipe import TrainingRecipe


@pytest.mark.numerical
def test_labels_are_probabilities_of_a_teacher_after_its_last_epoch(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    """The teacher trained again by hand, and softmax written out."""
    request = tiny(tmp_path, "method=soft_label_baseline", "model.width=8", "ipc=2")
    recipe = TrainingRecipe(epochs=2, learning_rate=0.01, epoch_steps=10)
    with opened(request, quiet=True) as (lab, _):
        made = distil(request.method, request.task, lab).distilled
        stream = RandomStream(0, ("teacher", 0))
        network = lab.new_network(stream / "weights")
        Training(network, lab.real, recipe, stream, lab.augmentation).run()
    with torch.no_grad():
        weights = network.eval()(made.images).double().exp()
    assert made.soft_labels is not None
    expected = weights / weights.sum(1, keepdim=True)
    torch.testing.assert_close(made.soft_labels.double(), expected, rtol=1e-3, atol=1e-5)


def test_images_and_labels_under_its_own_rules_are_those_of_its_control(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    request = tiny(tmp_path, "method=soft_label_baseline", "model.width=8", "ipc=2")
    assert request.control is not None
    with opened(request, quiet=True) as (lab, _):
        own = distil(request.method, request.task, lab).distilled
        control = distil(request.control, request.task, lab).distilled
        sets = [
            training_set(one, PROTOCOLS["paper"], request.budget, lab, 2, like)
            for one, like in ((own, None), (control, own))
        ]
    assert torch.equal(sets[0].images, sets[1].images)
    assert torch.equal(sets[0].targets, sets[1].targets)
    assert sets[0].regime == "own probabilities"


def test_rate_of_students_falls_to_three_tenths_at_each_quarter(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    request = tiny(tmp_path, "method=soft_label_baseline", "model.width=8")
    with opened(request, quiet=True) as (lab, _):
        recipe = distil(request.method, request.task, lab).distilled.evaluation
    assert recipe is not None
    rates = [recipe.rate_at(epoch) for epoch in (0, 749, 750, 1500, 2250, 2999)]
    assert rates == pytest.approx([0.01, 0.01, 3e-3, 9e-4, 2.7e-4, 2.7e-4])
