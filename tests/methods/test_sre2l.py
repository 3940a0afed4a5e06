"""SRe2L against calculations by hand, and which models it takes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import torch
from agreements import Given
from agreements_recovery import (
    blocks_are_recovered_apart,
    blocks_hold_one_image_of_each_class,
    crops_shrink_by_the_curriculum,
    images_move_by_adam,
    networks_vote_by_their_accuracy,
    recovery_agrees,
    statistics_network,
    view_is_a_crop_that_is_shifted,
)

from ddbench import Loss
from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest
from ddbench.scoring.protocols import PROTOCOLS
from ddbench.scoring.training_sets import training_set
from ddbench.training.loop import predict

pytestmark = pytest.mark.numerical
AGREEMENTS = (
    recovery_agrees,
    images_move_by_adam,
    crops_shrink_by_the_curriculum,
    view_is_a_crop_that_is_shifted,
    blocks_hold_one_image_of_each_class,
    blocks_are_recovered_apart,
    networks_vote_by_their_accuracy,
)


@pytest.mark.parametrize("agreement", AGREEMENTS, ids=lambda one: one.__name__)
def test_holds(given: Given, agreement: Callable[[Given], None]) -> None:
    agreement(given)


def test_nothing_of_the_network_is_left_behind(room: Callable[[str], ModuleType]) -> None:
    network = statistics_network()
    kept = {name: value.clone() for name, value in network.state_dict().items()}
    with room("_norm_statistics").norm_inputs(network) as seen:
        network(torch.zeros(2, 3, 8, 8, dtype=torch.float64))
    assert [maps.shape for _, maps in seen] == [(2, 4, 8, 8), (2, 4, 4, 4)]
    assert not any(layer._forward_pre_hooks for layer in network.modules())
    assert all(torch.equal(value, kept[name]) for name, value in network.state_dict().items())


def test_images_stay_pixels_unless_the_space_whitens(given: Given) -> None:
    for space in ("normalised", "zca"):
        words = "method.image_rate=9", "method.iterations=3", f"input_space={space}"
        with given.begun("sre2l", *words) as method:
            for i in range(2):
                method.step(i)
            beyond = method.current > method.brightest + 1e-6
            assert bool(beyond.any()) == (space == "zca")
            if space == "normalised":
                assert float(method.current.max()) == float(method.brightest)
                assert float(method.current.min()) == float(method.darkest)


def test_images_begin_as_noise_real_images_or_easy_crops(given: Given) -> None:
    starts = {}
    for initial in ("noise", "real", "crops"):
        with given.begun("sre2l", f"method.initial={initial}", "method.candidates=4") as method:
            starts[initial] = method.images
            real = method.task.real.images(method.task.real_subset())
    assert torch.equal(starts["real"], real)
    assert len({tuple(one.flatten().tolist()) for one in starts.values()}) == 3


def test_each_update_of_each_block_has_a_view_of_its_own(given: Given) -> None:
    with given.begun("sre2l", "ipc=2", "method.iterations=4") as method:
        numbers = []

        def views(
            images: torch.Tensor, iteration: int, iterations: int, generator: torch.Generator
        ) -> torch.Tensor:
            numbers.append(float(torch.rand((), generator=generator)))
            return images

        method.views = views
        for i in range(method.total_steps):
            method.step(i)
    assert len(set(numbers)) == 8


def skipped(request: RunRequest) -> str | None:
    with opened(request, quiet=True) as (lab, _):
        return METHODS["sre2l"].skip(Task(request.task, lab))


def test_model_that_has_no_batch_norm_is_skipped(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    reason = skipped(tiny(tmp_path, "method=sre2l", "model=mlp"))
    assert reason == "the model mlp has no form with batch norm"


@pytest.mark.parametrize(
    ("words", "squeezed"),
    [
        (["model=narrow"], "convnet"),
        (["model=nas_bench_201"], "nas_bench_201"),
    ],
)
def test_network_has_batch_norm_where_students_have_none(
    tiny: Callable[..., RunRequest], tmp_path: Path, room: Callable[[str], ModuleType],
    words: list[str], squeezed: str,
) -> None:  # fmt: skip
    request = tiny(tmp_path, "method=sre2l", *words)
    with opened(request, quiet=True) as (lab, _):
        found = room("_squeezed_networks").squeezed_model(Task(request.task, lab))
    assert found.name == squeezed
    assert found.settings.get("norm", "batch") == "batch"


def test_batches_of_students_and_of_the_control_are_labelled_by_the_squeezed_network(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    request = tiny(tmp_path, "method=sre2l", "model.width=8")
    with opened(request, quiet=True) as (lab, _):
        task = Task(request.task, lab)
        method = METHODS["sre2l"](task, request.method.settings)
        method.begin()
        made = method.finish()
        random = METHODS["random"](task, METHODS["random"].Settings()).finish()
        sets = (made, None), (random, made)
        taught = [
            training_set(own, PROTOCOLS["paper"], request.budget, lab, 1, like)
            for own, like in sets
        ]
        network = method.pool[0]  # type: ignore[attr-defined]
        for one in taught:
            assert one.recipe.loss is Loss.kl
            assert one.recipe.mixup == 0.8
            assert one.teacher is not None
            assert one.teacher.reference == made.labeller
            labelling = one.teacher.network(lab)
            assert torch.equal(predict(labelling, made.images), predict(network, made.images))


@pytest.mark.parametrize(("asked", "parts"), [("false", 0), ("true", 2)])
def test_labels_go_by_the_statistics_of_halves_of_a_batch_where_asked(
    asked: str, parts: int, tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    request = tiny(tmp_path, "method=sre2l", "model.width=8", f"method.batch_labels={asked}")
    with opened(request, quiet=True) as (lab, _):
        method = METHODS["sre2l"](Task(request.task, lab), request.method.settings)
        method.begin()
        made = method.finish()
        kept = training_set(made, PROTOCOLS["paper"], request.budget, lab, 1)
    assert kept.recipe.teacher_parts == parts
