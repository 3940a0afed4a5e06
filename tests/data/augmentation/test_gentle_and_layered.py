"""Augmentation by small changes and by several operations: ranges, and what they do to pixels."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from ddbench.data.augmentation import gentle, layered
from ddbench.data.augmentation.choices import Augmentation, augmentation_of
from ddbench.data.augmentation.dsa import DSA
from ddbench.data.augmentation.gentle import Gentle, warp

every_choice = pytest.mark.parametrize("choice", list(Augmentation))


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def images(n: int = 6, side: int = 8) -> Tensor:
    return torch.randn(n, 3, side, side, generator=generator(9))


@every_choice
def test_the_same_generator_gives_the_same_images_and_another_one_others(
    choice: Augmentation,
) -> None:
    augment = augmentation_of(choice, DSA())
    first, again = (augment(images(), generator(3)) for _ in range(2))
    others = [augment(images(), generator(seed)) for seed in range(4, 9)]
    assert torch.equal(first, again)
    assert any(not torch.equal(first, other) for other in others)


@every_choice
def test_gradients_reach_the_images(choice: Augmentation) -> None:
    leaf = images().requires_grad_()
    augmentation_of(choice, DSA())(leaf, generator()).square().sum().backward()
    assert leaf.grad is not None
    assert bool(leaf.grad.isfinite().all())
    assert float(leaf.grad.abs().sum()) > 0


def test_each_operation_is_drawn_about_equally_often(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []

    def noting(name: str):
        def apply(batch: Tensor, _: torch.Generator) -> Tensor:
            drawn.extend([name] * len(batch))
            return batch

        return apply

    monkeypatch.setattr(gentle, "_APPLY", {name: noting(name) for name in gentle.OPERATIONS})
    Gentle(per_image=True)(images(6000, 1), generator())
    counts = [drawn.count(name) for name in gentle.OPERATIONS]
    assert sum(counts) == 6000
    assert min(counts) > 1000 - 5 * math.sqrt(6000 / 6)


def test_one_operation_serves_the_whole_batch_unless_drawn_per_image(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sizes: list[int] = []

    def note(batch: Tensor, _: torch.Generator) -> Tensor:
        sizes.append(len(batch))
        return batch

    monkeypatch.setattr(gentle, "_APPLY", dict.fromkeys(gentle.OPERATIONS, note))
    Gentle()(images(60), generator())
    assert sizes == [60]
    Gentle(per_image=True)(images(60), generator())
    assert sum(sizes[1:]) == 60
    assert len(sizes) > 4


def test_a_shift_by_whole_pixels_moves_them() -> None:
    x, one = images(2), torch.ones(2)
    moved = warp(x, one, right=one, down=0 * one)
    assert torch.allclose(moved[..., :-1], x[..., 1:], atol=1e-5)
    assert float(moved[..., -1].abs().max()) < 1e-5


def test_a_crop_reads_no_further_than_the_wider_window() -> None:
    """A zoom z < 1 with the largest shift touches the border, and nothing outside."""
    x = torch.ones(500, 1, 8, 8)
    zoomed = gentle._crop(x, generator())
    smaller = zoomed.amin((1, 2, 3)) < 0.5  # where zeros from outside came in
    assert 0.3 < float(smaller.float().mean()) < 0.7


def test_the_cut_square_lies_inside_and_has_a_sixteenth_of_the_area() -> None:
    cut = gentle._cutout(torch.ones(300, 1, 32, 32), generator())
    erased = (cut == 0).sum((1, 2, 3))
    assert erased.tolist() == [64] * 300
    assert bool((cut[:, 0, 0] == 0).any())  # the border is reached
    assert bool((cut[:, 0, -1] == 0).any())


def test_layers_are_flip_colour_and_one_more(monkeypatch: pytest.MonkeyPatch) -> None:
    names: list[str] = []
    before = DSA.apply

    def noting(self: DSA, batch: Tensor, draw) -> Tensor:
        names.append(draw.operation)
        return before(self, batch, draw)

    monkeypatch.setattr(DSA, "apply", noting)
    for seed in range(20):
        layered.Layered()(images(), generator(seed))
    rounds = [tuple(names[i : i + 3]) for i in range(0, 60, 3)]
    assert {one[:2] for one in rounds} == {("flip", "color")}
    assert {one[2] for one in rounds} == {"crop", "scale", "rotate"}
