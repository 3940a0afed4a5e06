"""What students learn from if labels are learned, images are tiles, or mirrored copies count."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch

from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.loop import distil
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest
from ddbench.scoring.protocols import PROTOCOLS
from ddbench.scoring.training_sets import NotScorable, training_set
from ddbench.training.budget import Budget
from ddbench.training.lab import Lab
from ddbench.training.loss import Loss
from ddbench.training.recipe import TrainingRecipe

Opened = tuple[Lab, DistilledSet]


@pytest.fixture(scope="module")
def random(
    tiny: Callable[..., RunRequest], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Opened]:
    request = tiny(tmp_path_factory.mktemp("sets"), "method=random", "model.width=8", "ipc=2")
    with opened(request, quiet=True) as (lab, _):
        yield lab, distil(request.method, request.task, lab).distilled


def own(lab: Lab, distilled: DistilledSet, like: DistilledSet | None = None):
    return training_set(distilled, PROTOCOLS["paper"], Budget(), lab, 2, like)


def learned(distilled: DistilledSet, kind: str, loss: Loss) -> DistilledSet:
    recipe = TrainingRecipe(epochs=5, learning_rate=0.1, loss=loss)
    soft = torch.randn(20, 10, generator=torch.Generator().manual_seed(0))
    return replace(distilled, soft_labels=soft, soft_label_kind=kind, evaluation=recipe)


def test_learned_logits_are_probabilities_under_cross_entropy(random: Opened) -> None:
    lab, distilled = random
    made = learned(distilled, "logits", Loss.cross_entropy)
    assert made.soft_labels is not None
    assert torch.equal(own(lab, made).targets, made.soft_labels.softmax(1))


def test_the_control_of_learned_labels_takes_what_they_were_learned_from(random: Opened) -> None:
    lab, distilled = random
    under_entropy = own(lab, distilled, learned(distilled, "logits", Loss.cross_entropy))
    assert torch.equal(under_entropy.targets, distilled.labels)
    regression = own(lab, distilled, learned(distilled, "targets", Loss.half_sum_squares))
    assert torch.equal(regression.targets.argmax(1), distilled.labels)
    assert regression.targets.unique().tolist() == pytest.approx([-0.1, 0.9])


def test_logits_of_an_unknown_network_have_no_control(random: Opened) -> None:
    lab, distilled = random
    with pytest.raises(NotScorable, match="does not name the network"):
        own(lab, distilled, learned(distilled, "logits", Loss.l1))


@pytest.mark.parametrize("protocol", ["paper", "hard", "soft"])
def test_students_see_tiles_one_by_one(protocol: str, random: Opened) -> None:
    lab, distilled = random
    tiled = replace(distilled, tile_factor=2)
    made = training_set(tiled, PROTOCOLS[protocol], Budget(), lab, 2)
    assert torch.equal(made.images, tiled.decoded().images)
    assert len(made.targets) == 4 * len(distilled)
    assert tiled.storage_bytes == distilled.storage_bytes


def test_mirrored_copies_stand_behind_the_images(random: Opened) -> None:
    lab, distilled = random
    recipe = TrainingRecipe(epochs=5, learning_rate=0.1, mirrored=True)
    made = own(lab, replace(distilled, evaluation=recipe))
    assert torch.equal(made.images, torch.cat([distilled.images, distilled.images.flip(3)]))
    assert torch.equal(made.targets, torch.cat([distilled.labels, distilled.labels]))
