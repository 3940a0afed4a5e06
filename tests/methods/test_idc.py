"""IDC's gradient through its decoder against a naive loop, and what moves its pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from agreements import (
    Given,
    networks_learn_from_real_images_alone,
    pixels_move_class_after_class,
    tiles,
    tiles_keep_their_order,
    tiles_of_a_class,
)

from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.importing.choice import family
from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.distilling.tiles import encode_tiles
from ddbench.runs.execute import execute, opened
from ddbench.runs.request import RunRequest
from ddbench.training.recipe import TrainingRecipe

pytestmark = pytest.mark.numerical
Requests = Callable[..., RunRequest]


@pytest.fixture
def request_for(tiny: Requests, tmp_path: Path) -> Requests:
    return lambda *overrides: tiny(tmp_path, "method=idc", "model.width=8", *overrides)


@pytest.mark.parametrize("factor", [1, 2])
def test_distance_and_gradient_equal_those_of_a_loop_over_tiles(given: Given, factor: int) -> None:
    found, check = tiles(given, factor)
    check(found)


def test_a_class_shares_its_operations_with_its_real_images(given: Given) -> None:
    tiles_of_a_class(given)


def test_tiles_hold_their_images_in_the_order_in_which_they_are_decoded(given: Given) -> None:
    tiles_keep_their_order(given)


def test_tiles_of_a_side_that_is_no_multiple_lose_their_edge() -> None:
    encoded = encode_tiles(torch.arange(9.0).view(9, 1, 1, 1).expand(9, 1, 8, 8), 3)
    assert encoded.shape == (1, 1, 8, 8)
    rows = [[0, 0, 0, 1, 1, 1, 2, 2], [3, 3, 3, 4, 4, 4, 5, 5], [6, 6, 6, 7, 7, 7, 8, 8]]
    expected = [rows[0]] * 3 + [rows[1]] * 3 + [rows[2]] * 2
    assert encoded[0, 0].tolist() == expected


def test_pixels_move_as_by_sgd_in_zero_to_one_class_after_class(given: Given) -> None:
    pixels_move_class_after_class(given)


def test_each_network_begins_with_pixels_from_zero_to_one(request_for: Requests) -> None:
    request = request_for("ipc=1", "method.image_rate=1000")
    with opened(request, quiet=True) as (lab, _):
        method: Any = METHODS["idc"](Task(request.task, lab), request.method.settings)
        method.begin()
        method.step(0)
        assert bool((method.images > method.white + 1e-3).any())
        made = method.finish().images
    assert float((made - method.white).max()) <= 0
    assert float((made - method.black).min()) >= 0


def test_networks_learn_from_real_images_alone(given: Given) -> None:
    networks_learn_from_real_images_alone(given)


def test_whitened_pixels_and_models_without_convolutions_are_skipped(
    tiny: Requests, tmp_path: Path
) -> None:
    for overrides, reason in (
        (("input_space=zca",), "whitened"),
        (("model=mlp",), "convolutions"),
    ):
        request = tiny(tmp_path, "method=idc", *overrides)
        with opened(request, quiet=True) as (lab, _):
            assert reason in METHODS["idc"].skip(Task(request.task, lab))


def test_students_are_trained_as_on_released_sets(room: Callable[[str], ModuleType]) -> None:
    released = TrainingRecipe.from_plain(family("idc", "cifar10").evaluation_of(10))
    assert room("_tiles").evaluation(True).plain() == released.plain()


@pytest.mark.parametrize("name", ["idc", "random_tiles"])
def test_students_see_tiles_and_bytes_are_those_of_the_stored_images(
    name: str, tiny: Requests, tmp_path: Path
) -> None:
    request = tiny(tmp_path, f"method={name}", "model.width=8", "ipc=2", "protocols=[hard]")
    outcome = execute(request, quiet=True)
    distilled = DistilledSet.load(outcome.folder / "distilled.safetensors")
    assert distilled.tile_factor == 2
    assert len(distilled) == 20
    assert len(distilled.to_dataset()) == 80
    assert distilled.storage_bytes == 20 * (8 * 8 * 4 + 8)
