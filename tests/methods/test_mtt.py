"""Gradients through a student's steps against independent calculations in float64."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from closeness import assert_agrees, assert_close, summed_terms
from naive import trajectory_gradients
from torch import Tensor
from torch.func import functional_call

from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.errors import UserError
from ddbench.models.model import Model
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest
from ddbench.training.recipe import SnapshotFormat

pytestmark = pytest.mark.numerical
ORDER = [[0, 1, 2], [3, 4], [4, 0, 2], [1]]
"""Mini-batches of four steps: an image comes twice, and not all mini-batches are of one size."""
LABELS = torch.tensor([0, 1, 2, 0, 1])


@pytest.fixture(scope="module")
def matching(room: Callable[[str], ModuleType]) -> ModuleType:
    return room("_trajectory_matching")


@pytest.fixture
def student(
    matching: ModuleType, small_network: Callable[..., Model], small_images: Callable[..., Tensor]
) -> Any:
    network = small_network()
    names = [name for name, _ in network.named_parameters()]

    def loss(step: int, parameters: list[Tensor], batch: Tensor) -> Tensor:
        weights = dict(zip(names, parameters, strict=True))
        logits = functional_call(network, weights, batch * (1 + step))  # another batch each step
        return F.cross_entropy(logits, LABELS[ORDER[step]])

    return matching.Student(
        loss,
        small_images(5),
        [torch.tensor(positions) for positions in ORDER],
        *([p.detach() for p in small_network(seed).parameters()] for seed in (1, 2)),
        torch.tensor(0.3, dtype=torch.float64),
    )


def inputs(student: Any) -> list[Tensor]:
    """What a gradient through a student's steps depends on."""
    return [student.images, student.step_size, *student.start, *student.target]


@pytest.fixture
def terms(small_network: Callable[..., Model], small_images: Callable[..., Tensor]) -> int:
    """Forward, backward and twice backward again in each step, with two more sums per norm."""
    return 6 * len(ORDER) * summed_terms(small_network(), small_images(1))


@pytest.mark.parametrize(
    ("function", "detached"),
    [("unrolled_gradient", False), ("recomputed_gradient", False), ("detached_gradient", True)],
)
def test_gradients_equal_autograd_through_all_steps(
    matching: ModuleType, student: Any, terms: int, function: str, detached: bool
) -> None:
    """TESLA's gradient is that of the unroll with parameters detached at each step."""
    found = getattr(matching, function)(student)
    assert_agrees(
        (found.loss, found.images, found.step_size),
        lambda: trajectory_gradients(student, ORDER, detached),
        inputs(student),
        terms=terms,
    )
    assert not student.images.requires_grad
    assert not any(p.requires_grad for p in (*student.start, *student.target))


def test_one_step_has_the_same_gradient_with_and_without_detaching(
    matching: ModuleType, student: Any, terms: int
) -> None:
    """theta_0 is constant either way; the two differ only in later steps."""
    one = replace(student, order=student.order[:1])
    assert_agrees(
        [matching.detached_gradient(one).images],
        lambda: [matching.unrolled_gradient(one).images],
        inputs(one),
        terms=terms,
    )
    exact, detached = matching.unrolled_gradient(student), matching.detached_gradient(student)
    assert (exact.images - detached.images).norm() > 0.01 * exact.images.norm()


def test_memory_is_constant_for_tesla_grows_by_parameters_or_by_graphs_for_mtt(
    matching: ModuleType, student: Any, peak_live_bytes: Callable[[Callable[[], Any]], int]
) -> None:
    """Recomputation keeps one copy of the parameters per step; the full unroll keeps a graph."""

    def peaks(function: str) -> list[int]:
        found = []
        for steps in (4, 8, 16):
            longer = replace(
                student,
                order=[torch.arange(3)] * steps,
                loss=lambda step, parameters, batch: student.loss(0, parameters, batch),
            )
            found.append(peak_live_bytes(partial(getattr(matching, function), longer)))
        return found

    detached, recomputed, unrolled = map(
        peaks, ("detached_gradient", "recomputed_gradient", "unrolled_gradient")
    )
    of_parameters = sum(p.nbytes for p in student.start)
    assert detached[0] == detached[1] == detached[2]
    assert growth(recomputed) == [of_parameters, of_parameters]
    assert growth(unrolled)[0] == pytest.approx(growth(unrolled)[1], rel=0.01)
    assert growth(unrolled)[0] > 10 * of_parameters
    assert detached[-1] < recomputed[-1] < unrolled[-1]


def growth(peaks: list[int]) -> list[float]:
    """Bytes per step, from 4 to 8 and from 8 to 16 steps."""
    return [(peaks[1] - peaks[0]) / 4, (peaks[2] - peaks[1]) / 8]


@pytest.mark.parametrize(("n", "size", "steps"), [(10, 0, 3), (10, 4, 7), (3, 9, 2)])
def test_every_image_comes_once_before_any_comes_again(
    room: Callable[[str], ModuleType], n: int, size: int, steps: int
) -> None:
    batches = room("_trajectory_descent").mini_batches(
        n, size, steps, torch.Generator().manual_seed(0)
    )
    assert len(batches) == steps
    around = -(-n // min(size or n, n))
    for first in range(0, steps - around + 1, around):
        joined = torch.cat(batches[first : first + around])
        assert sorted(joined.tolist()) == list(range(n))


def test_trajectory_that_is_too_short_is_refused(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"trajectory_epochs=3: must be at least .* = 4"):
        tiny(tmp_path, "method=mtt", "method.max_start_epoch=4")


def test_experts_are_trained_and_counted_as_the_settings_say(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    """Digits have 1437 training images, so six steps of 256 per epoch; smoke ends them after 5."""
    request = tiny(tmp_path, "method=mtt", "method.trajectory_format=float16")
    with opened(request, quiet=True) as (lab, _):
        method: Any = METHODS["mtt"](Task(request.task, lab), request.method.settings)
    recipe = method.expert_recipe()
    assert (recipe.snapshot_format, recipe.epoch_steps) == (SnapshotFormat.float16, 5)
    assert recipe.snapshot_epochs == (0, 1, 2, 3)
    assert method.image_passes().training == 2 * 3 * 5 * 256


def test_batch_norm_is_skipped_with_a_reason(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    request = tiny(tmp_path, "method=mtt", "model.width=8", "model.norm=batch")
    with opened(request, quiet=True) as (lab, _):
        assert "batch norm" in (METHODS["mtt"].skip(Task(request.task, lab)) or "")


def test_both_unrolls_move_images_and_step_size_alike_and_experts_take_turns(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    moved = {}
    for unroll in ("full", "recompute"):
        request = tiny(
            tmp_path, "method=mtt", "model.width=8", "ipc=2", f"method.unroll={unroll}",
            "method.images_per_step=7", "method.student_steps=4", "method.step_size_rate=0.00001",
        )  # fmt: skip
        with opened(request, quiet=True) as (lab, _):
            method: Any = METHODS["mtt"](Task(request.task, lab), request.method.settings)
            method.begin()
            method.step(0)
            moved[unroll] = (method.images - method.start, method.step_size - 0.01)
            assert sorted(method.segment(i)[0] for i in (0, 1)) == [0, 1]
    sizes = method.start.abs().max(), 0.01
    for full, again, size in zip(moved["full"], moved["recompute"], sizes, strict=True):
        assert full.abs().sum() > 0
        # A network of about 280 terms and four steps as above; and two roundings of what moved.
        terms = 6 * 4 * 280 + 2 * float(size / full.abs().max())
        assert_close(again, full, terms=terms)
