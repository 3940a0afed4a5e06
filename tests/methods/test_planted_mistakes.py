"""Plausible mistakes in DATM and IDC, each of which an agreement of their tests catches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from agreements import (
    SHAPE,
    Given,
    all_that_datm_learns_moves_by_momentum,
    networks_learn_from_real_images_alone,
    pixels_move_class_after_class,
    soft_student,
    students_start_within_the_window,
    tiles,
    tiles_keep_their_order,
    tiles_of_a_class,
    window_moves_on,
)
from planting import Agreement, Patch, Plant, Room, assert_caught
from torch import Tensor

from ddbench.data.augmentation.dsa import DSA
from ddbench.training.recipe import Examples


def gradients_agree(given: Given) -> None:
    found, check = soft_student(given)
    check(found)


def distances_agree(given: Given) -> None:
    found, check = tiles(given)
    check(found)


# DATM.


def window_ends_one_epoch_early(patch: Patch, room: Room) -> None:
    right = room("datm").latest_start
    patch.setattr(room("datm"), "latest_start", lambda *given: right(*given) - 1)


def window_grows_beyond_its_end(patch: Patch, room: Room) -> None:
    patch.setattr(
        room("datm"), "latest_start", lambda i, first, last, steps: first + (last - first) * i // 20
    )


def window_begins_at_nought(patch: Patch, room: Room) -> None:
    datm = room("datm")
    right = datm.DATM.segment

    def segment(self: Any, i: int) -> tuple[int, int]:
        kept, self.settings = self.settings, replace(self.settings, min_start_epoch=0)
        found = right(self, i)
        self.settings = kept
        return found

    patch.setattr(datm.DATM, "segment", segment)


def labels_are_not_differentiated(patch: Patch, room: Room) -> None:
    soft = room("_soft_students")
    right = soft.parted

    def parted(rows: Tensor, shape: Any) -> tuple[Tensor, Tensor]:
        images, logits = right(rows, shape)
        return images, logits.detach()

    patch.setattr(soft, "parted", parted)


def labels_are_no_softmax(patch: Patch, room: Room) -> None:
    soft = room("_soft_students")

    def soft_loss(forward: Any, shape: Any) -> Any:
        def loss(step: int, parameters: Any, rows: Tensor) -> Tensor:
            images, logits = soft.parted(rows, shape)
            return F.cross_entropy(forward(step, parameters, images), logits)

        return loss

    patch.setattr(soft, "soft_loss", soft_loss)


def limit_is_inverted(patch: Patch, room: Room) -> None:
    datm = room("datm")
    right = datm.DATM.update

    def update(self: Any, found: Any) -> bool:
        return right(self, replace(found, loss=2 * self.settings.loss_limit - found.loss))

    patch.setattr(datm.DATM, "update", update)


def limit_is_forgotten(patch: Patch, room: Room) -> None:
    datm = room("datm")
    right = datm.DATM.update
    patch.setattr(
        datm.DATM,
        "update",
        lambda self, found: right(self, replace(found, loss=torch.zeros_like(found.loss))),
    )


def momentum_of_labels_is_forgotten(patch: Patch, room: Room) -> None:
    datm = room("datm")
    right = datm.descended
    patch.setattr(datm, "descended", lambda x, v, g, rate, momentum: right(x, v, g, rate, 0.0))


def momentum_of_labels_is_that_of_images(patch: Patch, room: Room) -> None:
    datm = room("datm")
    right = datm.descended
    patch.setattr(datm, "descended", lambda x, v, g, rate, momentum: right(x, v, g, rate, 0.5))


# IDC.


def tiles_come_column_by_column(patch: Patch, room: Room) -> None:
    right = room("idc").decode_tiles
    patch.setattr(
        room("idc"),
        "decode_tiles",
        lambda images, *given: right(images.transpose(2, 3), *given).transpose(2, 3),
    )


def tiles_come_image_by_image(patch: Patch, room: Room) -> None:
    right = room("idc").decode_tiles

    def decode(images: Tensor, factor: int, grey: Any = 0.5) -> Tensor:
        decoded = right(images, factor, grey)
        return decoded.unflatten(0, (factor**2, len(images))).transpose(0, 1).flatten(0, 1)

    patch.setattr(room("idc"), "decode_tiles", decode)


def one_tile_is_never_seen(patch: Patch, room: Room) -> None:
    """The first one takes its place."""
    right = room("idc").decode_tiles

    def decode(*given: Any) -> Tensor:
        decoded = right(*given)
        return torch.cat([decoded[:-1], decoded[:1]])

    patch.setattr(room("idc"), "decode_tiles", decode)


def distilled_images_are_not_augmented(patch: Patch, room: Room) -> None:
    right = room("idc").matching_gradient

    def matching(network: Any, real: Any, images: Any, c: int, see: Any, augment: Any) -> Any:
        return right(network, augment(real), images, c, see, lambda x: x)

    patch.setattr(room("idc"), "matching_gradient", matching)


def distilled_images_have_operations_of_their_own(patch: Patch, room: Room) -> None:
    right = room("idc").matching_gradient
    dsa, generator = DSA(), torch.Generator().manual_seed(0)
    own = dsa.draw_of("color", 1, *SHAPE[1:], generator)

    def matching(network: Any, real: Any, images: Any, c: int, see: Any, augment: Any) -> Any:
        return right(network, augment(real), images, c, see, lambda x: dsa.apply(x, own))

    patch.setattr(room("idc"), "matching_gradient", matching)


def _distance(of_pair: Callable[[Tensor, Tensor], Tensor], fewest_dimensions: int = 4) -> Plant:
    """Plants another distance of gradients: a sum over parameters of so many dimensions or more."""

    def distance(real: list[Tensor], made: list[Tensor]) -> Tensor:
        pairs = zip(real, made, strict=True)
        kept = [(a, b) for a, b in pairs if a.ndim >= fewest_dimensions]
        return torch.stack([of_pair(a, b) for a, b in kept]).sum()

    return lambda patch, room: patch.setattr(room("idc"), "filter_distance", distance)


def networks_do_not_learn(patch: Patch, room: Room) -> None:
    patch.setattr(room("idc").Training, "step", lambda self: None)


def networks_learn_from_distilled_images(patch: Patch, room: Room) -> None:
    idc = room("idc")
    right = idc.IDC.network_training

    def training(self: Any) -> Any:
        made = right(self)
        made.data = Examples(self.images, self.labels)
        return made

    patch.setattr(idc.IDC, "network_training", training)


def gradients_are_divided_by_the_deviation_once(patch: Patch, room: Room) -> None:
    idc = room("idc")
    right = idc.IDC.begin

    def begin(self: Any) -> None:
        right(self)
        patch.setattr(self, "step", lambda i: _with_deviation(self, self.deviation.sqrt(), i))

    patch.setattr(idc.IDC, "begin", begin)


def _with_deviation(method: Any, deviation: Tensor, i: int) -> Any:
    kept, method.deviation = method.deviation, deviation
    told = type(method).step(method, i)
    method.deviation = kept
    return told


def a_class_moves_alone(patch: Patch, room: Room) -> None:
    """Momentum moves no image of the other classes."""
    idc = room("idc")
    right = idc.IDC.moved

    def moved(self: Any, gradient: Tensor) -> tuple[Tensor, Tensor]:
        own = (gradient != 0).flatten(1).any(1).view(-1, 1, 1, 1)
        images, velocity = right(self, gradient)
        return torch.where(own, images, self.images), torch.where(own, velocity, self.velocity)

    patch.setattr(idc.IDC, "moved", moved)


MISTAKES: dict[str, tuple[Plant, Agreement]] = {
    "the window ends one epoch early": (window_ends_one_epoch_early, window_moves_on),
    "the window grows beyond its end": (
        window_grows_beyond_its_end, students_start_within_the_window
    ),
    "the window begins at nought": (window_begins_at_nought, students_start_within_the_window),
    "labels are not differentiated": (labels_are_not_differentiated, gradients_agree),
    "labels are no softmax": (labels_are_no_softmax, gradients_agree),
    "the limit of the loss is inverted": (
        limit_is_inverted, all_that_datm_learns_moves_by_momentum
    ),
    "the limit of the loss is forgotten": (
        limit_is_forgotten, all_that_datm_learns_moves_by_momentum
    ),
    "the momentum of labels is forgotten": (
        momentum_of_labels_is_forgotten, all_that_datm_learns_moves_by_momentum
    ),
    "the momentum of labels is that of images": (
        momentum_of_labels_is_that_of_images, all_that_datm_learns_moves_by_momentum
    ),
    "tiles come column by column": (tiles_come_column_by_column, tiles_keep_their_order),
    "tiles come image by image": (tiles_come_image_by_image, tiles_keep_their_order),
    "one tile is never seen": (one_tile_is_never_seen, tiles_of_a_class),
    "distilled images are not augmented": (distilled_images_are_not_augmented, tiles_of_a_class),
    "distilled images have operations of their own": (
        distilled_images_have_operations_of_their_own, tiles_of_a_class
    ),
    "filters are averaged": (_distance(lambda a, b: (a - b).square().mean()), distances_agree),
    "the distance is not squared": (
        _distance(lambda a, b: (a - b).square().sum().sqrt()), distances_agree
    ),
    "the last layer counts": (_distance(lambda a, b: (a - b).square().sum(), 2), distances_agree),
    "biases and norms count": (_distance(lambda a, b: (a - b).square().sum(), 1), distances_agree),
    "networks do not learn": (networks_do_not_learn, networks_learn_from_real_images_alone),
    "networks learn from distilled images": (
        networks_learn_from_distilled_images, networks_learn_from_real_images_alone
    ),
    "gradients are divided by the deviation once": (
        gradients_are_divided_by_the_deviation_once, pixels_move_class_after_class
    ),
    "a class moves alone": (a_class_moves_alone, pixels_move_class_after_class),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_caught(name: str, given: Given, monkeypatch: Patch) -> None:
    assert_caught(*MISTAKES[name], given, monkeypatch)
