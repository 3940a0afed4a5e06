"""Plausible mistakes in RDED, each of which an agreement of their tests catches."""

from __future__ import annotations

from typing import Any

import pytest
import torch.nn.functional as F
from agreements import Given
from agreements_recovery import (
    easiest_crop_of_each_image,
    images_of_crops,
)
from planting import Agreement, Patch, Plant, Room, assert_caught
from torch import Tensor


def crops_are_enlarged_and_not_padded(patch: Patch, room: Room) -> None:
    patch.setattr(
        room("_easy_crops"), "in_the_middle", lambda crops, side: F.interpolate(crops, size=side)
    )


def crops_are_padded_at_two_edges(patch: Patch, room: Room) -> None:
    def corner(crops: Tensor, side: int) -> Tensor:
        missing = side - crops.shape[2]
        return F.pad(crops, (0, missing, 0, missing))

    patch.setattr(room("_easy_crops"), "in_the_middle", corner)


def hardest_crop_counts(patch: Patch, room: Room) -> None:
    right = room("_easy_crops").difficulty
    patch.setattr(room("_easy_crops"), "difficulty", lambda *given: -right(*given))


def confidence_in_any_class_counts(patch: Patch, room: Room) -> None:
    easy = room("_easy_crops")

    def difficulty(network: Any, crops: Tensor, class_id: int, side: int) -> Tensor:
        return -network(easy.in_the_middle(crops, side)).log_softmax(1).max(1).values

    patch.setattr(easy, "difficulty", difficulty)


def crops_take_a_share_of_the_side(patch: Patch, room: Room) -> None:
    right = room("_easy_crops").random_crop
    patch.setattr(
        room("_easy_crops"),
        "random_crop",
        lambda side, least, generator, widest: right(side, least**2, generator, widest),
    )


def crops_are_not_square(patch: Patch, room: Room) -> None:
    right = room("_easy_crops").random_crop
    patch.setattr(
        room("_easy_crops"), "random_crop", lambda side, least, generator, widest: right(
            side, least, generator
        )
    )  # fmt: skip


def crops_are_shrunk_without_smoothing(patch: Patch, room: Room) -> None:
    def resized(self: Any, images: Tensor, side: int) -> Tensor:
        rows = slice(self.top, self.top + self.height)
        cut = images[:, :, rows, self.left : self.left + self.width]
        return F.interpolate(cut, size=(side, side), mode="bilinear")

    patch.setattr(room("_random_crops").Crop, "resized", resized)


def easiest_crops_share_an_image(patch: Patch, room: Room) -> None:
    right = room("rded").tiled
    patch.setattr(
        room("rded"),
        "tiled",
        lambda crops, factor, side: right(
            crops.unflatten(0, (-1, factor**2)).transpose(0, 1).flatten(0, 1), factor, side
        ),
    )


def tiles_come_column_by_column(patch: Patch, room: Room) -> None:
    right = room("rded").joined_tiles
    patch.setattr(
        room("rded"),
        "joined_tiles",
        lambda small, *given: right(small.transpose(2, 3), *given).transpose(2, 3),
    )


MISTAKES: dict[str, tuple[Plant, Agreement]] = {
    "crops are enlarged and not padded": (
        crops_are_enlarged_and_not_padded, easiest_crop_of_each_image
    ),
    "crops are padded at two edges": (crops_are_padded_at_two_edges, easiest_crop_of_each_image),
    "the hardest crop counts": (hardest_crop_counts, easiest_crop_of_each_image),
    "confidence in any class counts": (confidence_in_any_class_counts, easiest_crop_of_each_image),
    "crops take a share of the side": (crops_take_a_share_of_the_side, easiest_crop_of_each_image),
    "crops are not square": (crops_are_not_square, easiest_crop_of_each_image),
    "crops are shrunk without smoothing": (
        crops_are_shrunk_without_smoothing, easiest_crop_of_each_image
    ),
    "the easiest crops share an image": (easiest_crops_share_an_image, images_of_crops),
    "tiles come column by column": (tiles_come_column_by_column, images_of_crops),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_caught(name: str, given: Given, monkeypatch: Patch) -> None:
    assert_caught(*MISTAKES[name], given, monkeypatch)
