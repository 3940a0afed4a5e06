"""RaT-BPTT's truncated gradient against an unroll by torch, and what it draws and clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import pytest
import torch
from agreements import Given, adam_unroll
from closeness import assert_close
from torch import Tensor

from ddbench.errors import UserError

pytestmark = pytest.mark.numerical
RATE = 0.01


@pytest.fixture(scope="module")
def unroll(room: Callable[[str], ModuleType]) -> ModuleType:
    return room("_adam_unroll")


@pytest.mark.parametrize("window", [1, 3, 5])
def test_gradient_is_that_of_an_unroll_that_is_cut_off_before_the_window(
    given: Given, window: int
) -> None:
    found, check = adam_unroll(given, window)
    check(found)


def test_step_is_that_of_adam(unroll: ModuleType) -> None:
    generator = torch.Generator().manual_seed(0)
    value = torch.randn(7, generator=generator, dtype=torch.float64)
    state, moved = unroll.AdamState.fresh([value]), value.clone().requires_grad_()
    optimiser = torch.optim.Adam([moved], lr=RATE)
    for _ in range(4):
        moved.grad = torch.randn(7, generator=generator, dtype=torch.float64)
        state = unroll.adam_step(state, [moved.grad], RATE)
        optimiser.step()
    assert_close(state.parameters[0], moved, terms=40)


def test_parameter_without_a_gradient_leaves_the_images_a_number(unroll: ModuleType) -> None:
    """Where v is 0 its root has no derivative, and the step does not depend on the images."""
    images, order = torch.ones(1, 1, dtype=torch.float64), [torch.tensor([0])] * 3
    start = [torch.ones(2, dtype=torch.float64)]

    def loss(step: int, parameters: Sequence[Tensor], batch: Tensor) -> Tensor:
        return parameters[0][0] ** 2 * batch.sum() + 0 * parameters[0][1]

    found = unroll.truncated_gradient(
        loss, images, order, unroll.AdamState.fresh(start), RATE, 3,
        lambda parameters: (parameters[0].sum(), [torch.ones(2, dtype=torch.float64)]),
    )  # fmt: skip
    assert bool(found.images.isfinite().all())


def test_memory_does_not_grow_with_the_steps_before_the_window(
    given: Given, peak_live_bytes: Callable[[Callable[[], Any]], int]
) -> None:
    peaks = []
    for total in (4, 24):
        words = f"method.total={total}", f"method.least={total - 3}", "method.window=3"
        with given.begun("rat_bptt", *words) as method:
            peaks.append(peak_live_bytes(lambda method=method: method.step(0)))
    assert peaks[1] < 1.1 * peaks[0]


def test_window_begins_anew_in_each_round_of_the_real_images(given: Given) -> None:
    words = "method.total=9", "method.window=3", "method.least=2", "method.real_batch=500"
    with given.begun("rat_bptt", *words) as method:
        rounds = method.real.batches
        assert rounds > 1
        before = [method.steps_before(i) for i in range(100 * rounds)]
    assert set(before) == {2, 3, 4, 5, 6}
    assert all(len(set(before[i : i + rounds])) == 1 for i in range(0, len(before), rounds))


def test_steps_see_so_many_images_of_so_many_classes(given: Given) -> None:
    words = "ipc=3", "method.images_per_class=2", "method.classes_per_step=4"
    with given.begun("rat_bptt", *words) as method:
        positions = method.mini_batch(torch.Generator().manual_seed(0))
        seen = method.labels[positions].bincount(minlength=10)
    assert sorted(seen.tolist()) == [0] * 6 + [2] * 4
    assert len(set(positions.tolist())) == 8


def test_gradient_is_clipped_to_twice_its_mean_norm(
    given: Given, unroll: ModuleType, room: Callable[[str], ModuleType],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    with given.begun("rat_bptt") as method:
        norms, clipped = [1.0, 10.0, 0.5], []
        for i, norm in enumerate(norms):
            gradient = torch.full_like(method.images, norm / method.images.numel() ** 0.5)
            found = unroll.Found(torch.zeros(()), gradient)
            monkeypatch.setattr(room("rat_bptt"), "truncated_gradient", lambda *a, f=found: f)
            method.step(i)
            clipped.append(float(method.images.grad.norm()))
    assert clipped == pytest.approx([1.0, 2 * 1.9, 0.5])


def test_noise_has_images_of_length_one(given: Given) -> None:
    with given.begun("rat_bptt", "method.initial=noise") as method:
        lengths = method.images.flatten(1).norm(dim=1)
    assert torch.allclose(lengths, torch.ones_like(lengths))


def test_window_without_room_is_refused(given: Given) -> None:
    words = "method.total=5", "method.window=3", "method.least=3"
    with pytest.raises(UserError, match=r"total=5: must be at least least \+ window = 6"):
        given.begun("rat_bptt", *words).__enter__()
