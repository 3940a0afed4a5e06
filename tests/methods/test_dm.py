"""DM's loss and image gradient against a naive calculation, and what a step looks at."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from closeness import assert_agrees, assert_close, summed_terms
from naive import dm_loss, with_gradient
from torch import Tensor

from ddbench.data.augmentation.dsa import DSA
from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.models.model import Model
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest
from ddbench.runtime.randomness import RandomStream

pytestmark = pytest.mark.numerical


@pytest.fixture(scope="module")
def dm(room: Callable[[str], ModuleType]) -> ModuleType:
    return room("dm")


@pytest.mark.parametrize("segment", [0, 1, 4])
def test_loss_and_gradient_equal_the_sum_over_classes_in_float64(
    dm: ModuleType,
    room: Callable[[str], ModuleType],
    small_network: Callable[..., Model],
    small_images: Callable[..., Tensor],
    segment: int,
) -> None:
    """Three classes with 5, 4 and 3 real and 2 distilled images, each class with its own draw."""
    network, dsa = small_network().requires_grad_(False), DSA()
    draws = [dsa.draw(1, 8, 8, RandomStream(3, (c,)).generator()) for c in range(3)]
    real = [small_images(5 - c, seed=10 + c) for c in range(3)]
    images = small_images(6)

    treat = [partial(dsa.apply, draw=draw) for draw in draws]

    augment = partial(room("_class_batches").augment_alike, dsa, draws=draws)
    means = dm.real_means(network.features, real, augment, segment)
    loss, gradient = dm.matching_gradient(network.features, means, images.split(2), augment)
    assert_agrees(
        (loss, gradient),
        lambda: with_gradient(lambda leaf: dm_loss(leaf, real, network.features, treat), images),
        [images, *real, *network.parameters()],
        # Forward, backward with two more sums per norm, and over images, features and classes.
        terms=3 * summed_terms(network, images) + 5 + network.features(images).shape[1] + 3,
    )
    assert not images.requires_grad


def movement(request: RunRequest, **settings: Any) -> Tensor:
    """The movement of all images in one step."""
    with opened(request, quiet=True) as (lab, _):
        method = METHODS["dm"](Task(request.task, lab), METHODS["dm"].Settings(**settings))
        method.begin()
        method.step(0)
        return method.images - method.start  # type: ignore[attr-defined, no-any-return]


def test_classes_in_segments_move_as_all_classes_at_once(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    request = tiny(tmp_path, "method=dm", "model.width=8", "ipc=3")
    whole, parts = (movement(request, real_batch=9, segment=segment) for segment in (0, 7))
    # A network of about 250 terms, forward and twice backward; two roundings of pixels, up to 4.
    assert_close(parts, whole, terms=750 + 2 * 4 / float(whole.abs().max()))


def test_batch_norm_sees_all_classes_together_whatever_the_segment(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    request = tiny(tmp_path, "method=dm", "model.width=8", "model.norm=batch", "ipc=2")
    whole, parts = (movement(request, real_batch=9, segment=segment) for segment in (0, 3))
    assert torch.equal(parts, whole)
