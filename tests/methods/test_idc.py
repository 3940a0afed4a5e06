"""IDC's gradient through its decoder against a naive loop, and what moves its pixels."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from closeness import assert_agrees, summed_terms
from naive import tiles_loss, with_gradient
from torch import Tensor

from ddbench.data.augmentation.dsa import DSA
from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.importing.choice import family
from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.distilling.tiles import decode_tiles, encode_tiles
from ddbench.models.model import Model
from ddbench.runs.execute import execute, opened
from ddbench.runs.request import RunRequest
from ddbench.training.recipe import TrainingRecipe

pytestmark = pytest.mark.numerical
Requests = Callable[..., RunRequest]


@pytest.fixture
def request_for(tiny: Requests, tmp_path: Path) -> Requests:
    return lambda *overrides: tiny(tmp_path, "method=idc", "model.width=8", *overrides)


@pytest.mark.parametrize("factor", [1, 2])
def test_distance_and_gradient_equal_those_of_a_loop_over_tiles(
    room: Callable[[str], ModuleType],
    small_network: Callable[..., Model],
    small_images: Callable[..., Tensor],
    factor: int,
) -> None:
    """Two images, four real ones, and one colour, crop and cutout for both."""
    network, images, real, dsa = small_network(), small_images(2), small_images(4, 1), DSA()
    generator = torch.Generator().manual_seed(0)
    draws = [dsa.draw_of(name, 1, 8, 8, generator) for name in ("color", "crop", "cutout")]

    def augment(batch: Tensor) -> Tensor:
        for draw in draws:
            batch = dsa.apply(batch, draw)
        return batch

    found = room("idc").matching_gradient(
        network, real, images, 1, lambda stored: decode_tiles(stored, factor), augment
    )
    assert_agrees(
        found,
        lambda: with_gradient(
            lambda leaf: tiles_loss(leaf, real, 1, network, factor, augment), images
        ),
        [images, real, *network.parameters()],
        # Forward, backward for the parameters, and both again for the images; pixels of maps are
        # summed for a filter, and filters for the distance.
        terms=6 * summed_terms(network, images) + 2 * 64 + 200,
    )


def test_tiles_hold_their_images_in_the_order_in_which_they_are_decoded() -> None:
    images = torch.arange(8.0).view(8, 1, 1, 1).expand(8, 3, 6, 6)
    encoded = encode_tiles(images, 2)
    assert encoded.shape == (2, 3, 6, 6)
    decoded = decode_tiles(encoded, 2)
    # Tile by tile: the first tiles of both images, then the second ones.
    assert decoded[:, 0, 0, 0].tolist() == [0, 4, 1, 5, 2, 6, 3, 7]
    assert torch.equal(decoded.amin((1, 2, 3)), decoded.amax((1, 2, 3)))


def test_tiles_of_a_side_that_is_no_multiple_lose_their_edge() -> None:
    encoded = encode_tiles(torch.arange(9.0).view(9, 1, 1, 1).expand(9, 1, 8, 8), 3)
    assert encoded.shape == (1, 1, 8, 8)
    rows = [[0, 0, 0, 1, 1, 1, 2, 2], [3, 3, 3, 4, 4, 4, 5, 5], [6, 6, 6, 7, 7, 7, 8, 8]]
    expected = [rows[0]] * 3 + [rows[1]] * 3 + [rows[2]] * 2
    assert encoded[0, 0].tolist() == expected


def test_pixels_move_as_by_sgd_in_zero_to_one_class_after_class(
    request_for: Requests, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A class's update moves the images of the classes before it on by their momentum."""
    request = request_for("ipc=1", "method.image_rate=0.01", "method.inner_loop=1")
    with opened(request, quiet=True) as (lab, _):
        method: Any = METHODS["idc"](Task(request.task, lab), request.method.settings)
        method.begin()
        deviation = method.deviation
        gradients = torch.randn(10, 1, 1, 8, 8, generator=torch.Generator().manual_seed(0))
        monkeypatch.setattr(
            method, "of_class", lambda network, c, images, i: (torch.zeros(()), gradients[c])
        )
        before = method.images.clone()
        method.step(0)
        moved = (method.images - before) * deviation  # of pixels
    for c in range(10):
        # g / deviation is the gradient in pixels; momentum .5 in 10 - c updates.
        factor = sum(0.5**k for k in range(10 - c))
        wanted = -0.01 * factor * gradients[c][0] / deviation
        assert torch.allclose(moved[c], wanted, rtol=1e-3, atol=1e-6)


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


def test_networks_learn_from_real_images_alone(request_for: Requests) -> None:
    request = request_for("ipc=1")
    with opened(request, quiet=True) as (lab, _):
        task = Task(request.task, lab)
        method: Any = METHODS["idc"](task, request.method.settings)
        method.begin()
        method.step(0)
        assert method.training.data is task.real
        assert method.training.steps_done == request.method.settings.network_steps


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
