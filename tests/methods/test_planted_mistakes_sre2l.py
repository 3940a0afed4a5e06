"""Plausible mistakes in SRe2L, each of which an agreement of their tests catches."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from agreements import Given
from agreements_recovery import (
    blocks_are_recovered_apart,
    blocks_hold_one_image_of_each_class,
    crops_shrink_by_the_curriculum,
    images_move_by_adam,
    networks_vote_by_their_accuracy,
    recovery_agrees,
    view_is_a_crop_that_is_shifted,
)
from planting import Agreement, Patch, Plant, Room, assert_caught
from torch import Tensor


def _distance(
    of_layer: Callable[[Any, Tensor], Tensor], first: bool = True, mean: bool = False
) -> Plant:
    """Plants another distance of statistics: a sum or a mean over layers."""

    def distance(seen: Sequence[Any], first_weight: float) -> Tensor:
        weights = [first_weight if first and not k else 1.0 for k in range(len(seen))]
        found = [w * of_layer(*one) for w, one in zip(weights, seen, strict=True)]
        return torch.stack(found).mean() if mean else torch.stack(found).sum()

    return lambda patch, room: patch.setattr(
        room("_norm_statistics"), "statistics_distance", distance
    )


def right_distance(layer: Any, maps: Tensor, correction: int = 0) -> Tensor:
    variance, mean = torch.var_mean(maps, (0, 2, 3), correction=correction)
    return (variance - layer.running_var).norm() + (mean - layer.running_mean).norm()


def squared(layer: Any, maps: Tensor) -> Tensor:
    variance, mean = torch.var_mean(maps, (0, 2, 3), correction=0)
    distances = (variance - layer.running_var).square().sum(), (mean - layer.running_mean).square()
    return distances[0] + distances[1].sum()


def mean_over_channels(layer: Any, maps: Tensor) -> Tensor:
    return right_distance(layer, maps) / maps.shape[1] ** 0.5


def deviation(layer: Any, maps: Tensor) -> Tensor:
    std, mean = torch.std_mean(maps, (0, 2, 3), correction=0)
    return (std - layer.running_var.sqrt()).norm() + (mean - layer.running_mean).norm()


def of_each_image(layer: Any, maps: Tensor) -> Tensor:
    variance, mean = torch.var_mean(maps, (2, 3), correction=0)
    distance = (variance.mean(0) - layer.running_var).norm()
    return distance + (mean.mean(0) - layer.running_mean).norm()


def what_comes_out_counts(patch: Patch, room: Room) -> None:
    norms = room("_norm_statistics")
    right = norms.statistics_distance

    def distance(seen: Sequence[Any], first_weight: float) -> Tensor:
        return right([(layer, layer(maps)) for layer, maps in seen], first_weight)

    patch.setattr(norms, "statistics_distance", distance)


def last_norm_weighs_more(patch: Patch, room: Room) -> None:
    norms = room("_norm_statistics")
    right = norms.statistics_distance
    patch.setattr(norms, "statistics_distance", lambda seen, weight: right(seen[::-1], weight))


def network_is_in_training_mode(patch: Patch, room: Room) -> None:
    recovery = room("_norm_statistics").Recovery
    right = recovery.__call__

    def call(self: Any, network: Any, images: Tensor, labels: Tensor) -> Any:
        loss, parts = right(self, network, images, labels)
        training = copy.deepcopy(network).train()
        losses = [F.cross_entropy(one(images), labels) for one in (network, training)]
        return loss - losses[0] + losses[1], parts

    patch.setattr(recovery, "__call__", call)


def statistics_are_constants(patch: Patch, room: Room) -> None:
    norms = room("_norm_statistics")
    right = norms.statistics_distance
    patch.setattr(norms, "statistics_distance", lambda *given: right(*given).detach())


def _adam(**changed: Any) -> Plant:
    """Plants an Adam with other settings."""
    right = torch.optim.Adam

    def adam(parameters: Any, **given: Any) -> Any:
        return right(parameters, **{**given, **changed})

    return lambda patch, room: patch.setattr(room("sre2l").torch.optim, "Adam", adam)


def rate_is_constant(patch: Patch, room: Room) -> None:
    patch.setattr(room("sre2l"), "cosine_factor", lambda *given: 1.0)


def rate_falls_by_half_only(patch: Patch, room: Room) -> None:
    right = room("sre2l").cosine_factor
    patch.setattr(room("sre2l"), "cosine_factor", lambda *given: right(*given, 2))


def pixels_are_not_clamped(patch: Patch, room: Room) -> None:
    sre2l = room("sre2l")
    right = sre2l.SRe2L.begin

    def begin(self: Any) -> None:
        right(self)
        self.darkest, self.brightest = -math.inf * self.brightest.abs(), math.inf * self.brightest

    patch.setattr(sre2l.SRe2L, "begin", begin)


def pixels_are_clamped_to_one(patch: Patch, room: Room) -> None:
    sre2l = room("sre2l")
    right = sre2l.SRe2L.begin

    def begin(self: Any) -> None:
        right(self)
        self.darkest, self.brightest = torch.zeros(1), torch.ones(1)

    patch.setattr(sre2l.SRe2L, "begin", begin)


def curriculum_runs_backwards(patch: Patch, room: Room) -> None:
    views = room("_views").Views
    right = views.scale_at
    patch.setattr(views, "scale_at", lambda self, i, n: right(self, self.milestone * n - i, n))


def curriculum_takes_all_iterations(patch: Patch, room: Room) -> None:
    views = room("_views").Views
    right = views.scale_at
    patch.setattr(views, "scale_at", lambda self, i, n: right(replace(self, milestone=1.0), i, n))


def shifts_are_downwards_alone(patch: Patch, room: Room) -> None:
    views = room("_views").Views
    right = views.__call__
    patch.setattr(
        views, "__call__", lambda self, *given: right(replace(self, both_ways=False), *given)
    )


def rows_shift_as_columns(patch: Patch, room: Room) -> None:
    views = room("_views").Views
    right = views.__call__

    def call(self: Any, images: Tensor, *given: Any) -> Tensor:
        return right(self, images.transpose(2, 3), *given).transpose(2, 3)

    patch.setattr(views, "__call__", call)


def blocks_hold_one_class(patch: Patch, room: Room) -> None:
    def blocks(counts: Sequence[int], most: int) -> list[Tensor]:
        return list(torch.arange(sum(counts)).split(list(counts)))

    patch.setattr(room("sre2l"), "blocks", blocks)


def optimiser_goes_on_with_the_next_block(patch: Patch, room: Room) -> None:
    sre2l = room("sre2l").SRe2L
    right = sre2l.enter

    def enter(self: Any, block: int) -> None:
        kept = self.optimiser.state_dict() if block else None
        right(self, block)
        if kept:
            self.optimiser.load_state_dict(kept)

    patch.setattr(sre2l, "enter", enter)


def rate_goes_on_falling_in_the_next_block(patch: Patch, room: Room) -> None:
    """So that a larger set does not begin with the smaller one."""
    sre2l = room("sre2l")
    right = sre2l.SRe2L.step

    def step(self: Any, i: int) -> Any:
        n = self.total_steps
        with pytest.MonkeyPatch.context() as inner:
            inner.setattr(sre2l, "cosine_factor", lambda *given: 1 - i / n)
            return right(self, i)

    patch.setattr(sre2l.SRe2L, "step", step)


def networks_vote_alike(patch: Patch, room: Room) -> None:
    patch.setattr(room("sre2l"), "votes", lambda accuracies, temperature: [0.5, 0.5])


def accuracies_are_no_percent(patch: Patch, room: Room) -> None:
    right = room("sre2l").votes
    patch.setattr(
        room("sre2l"),
        "votes",
        lambda accuracies, temperature: right(accuracies, 100 * temperature),
    )


MISTAKES: dict[str, tuple[Plant, Agreement]] = {
    "the variance divides by one less": (
        _distance(lambda layer, maps: right_distance(layer, maps, 1)), recovery_agrees
    ),
    "norms are squared": (_distance(squared), recovery_agrees),
    "norms are means over channels": (_distance(mean_over_channels), recovery_agrees),
    "layers are averaged": (_distance(right_distance, mean=True), recovery_agrees),
    "the first norm weighs as the others": (
        _distance(right_distance, first=False), recovery_agrees
    ),
    "deviations are compared": (_distance(deviation), recovery_agrees),
    "statistics are those of each image": (_distance(of_each_image), recovery_agrees),
    "what comes out of a norm counts": (what_comes_out_counts, recovery_agrees),
    "the last norm weighs more": (last_norm_weighs_more, recovery_agrees),
    "the network is in training mode": (network_is_in_training_mode, recovery_agrees),
    "statistics are constants": (statistics_are_constants, recovery_agrees),
    "Adam has its usual decays": (_adam(betas=(0.9, 0.999)), images_move_by_adam),
    "the rate is constant": (rate_is_constant, images_move_by_adam),
    "the rate falls by half only": (rate_falls_by_half_only, images_move_by_adam),
    "pixels are not clamped": (pixels_are_not_clamped, images_move_by_adam),
    "pixels are clamped to one": (pixels_are_clamped_to_one, images_move_by_adam),
    "the curriculum runs backwards": (curriculum_runs_backwards, crops_shrink_by_the_curriculum),
    "the curriculum takes all iterations": (
        curriculum_takes_all_iterations, crops_shrink_by_the_curriculum
    ),
    "shifts are downwards alone": (shifts_are_downwards_alone, view_is_a_crop_that_is_shifted),
    "rows shift as columns": (rows_shift_as_columns, view_is_a_crop_that_is_shifted),
    "blocks hold one class": (blocks_hold_one_class, blocks_hold_one_image_of_each_class),
    "the optimiser goes on with the next block": (
        optimiser_goes_on_with_the_next_block, blocks_are_recovered_apart
    ),
    "the rate goes on falling in the next block": (
        rate_goes_on_falling_in_the_next_block, blocks_are_recovered_apart
    ),
    "networks vote alike": (networks_vote_alike, networks_vote_by_their_accuracy),
    "accuracies are no percent": (accuracies_are_no_percent, networks_vote_by_their_accuracy),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_caught(name: str, given: Given, monkeypatch: Patch) -> None:
    assert_caught(*MISTAKES[name], given, monkeypatch)
