"""Whitenings too large for the machine's memory are refused, and one that fits is suggested."""

from __future__ import annotations

import pytest

from ddbench.data.whitening_memory import check_memory
from ddbench.errors import UserError

MANY = 100_000


@pytest.fixture(autouse=True)
def machine_of_25_gigabytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddbench.data.whitening_memory.machine_memory_bytes", lambda: 25e9)


@pytest.mark.parametrize("name", ["zca", "zca_relative", "zca_per_image"])
def test_whitening_that_cannot_be_held_is_refused_with_the_bytes_and_what_fits(name: str) -> None:
    check_memory(name, 3, 64, MANY)
    told = r"96\.6 GB for 5 matrices .*19\.3 GB each.* has 25\.0 GB; .*zca_low_rank.* needs 0\.8 GB"
    with pytest.raises(UserError, match=told):
        check_memory(name, 3, 128, MANY)


def test_whitening_of_low_rank_is_refused_only_where_the_pixels_are_too_many() -> None:
    for resolution in (32, 128, 512):
        check_memory("zca_low_rank", 3, resolution, MANY)
    told = r"52\.5 GB for 4 matrices of 3,145,728 x 522 .*; input_space=normalised needs none"
    with pytest.raises(UserError, match=told):
        check_memory("zca_low_rank", 3, 1024, MANY)


def test_space_that_does_not_fit_either_is_not_offered() -> None:
    with pytest.raises(UserError) as caught:
        check_memory("zca", 3, 1024, MANY)
    assert "low_rank" not in str(caught.value)
    check_memory("normalised", 3, 1024, MANY)


@pytest.mark.parametrize("name", ["zca", "zca_relative", "zca_per_image"])
def test_whitening_of_few_images_needs_memory_for_these_images(name: str) -> None:
    for images in (0, 2, 1000):
        check_memory(name, 3, 256, images)
    told = r"31\.5 GB for 3 matrices of 196,608 x 6,667 .*zca_low_rank.* needs 3\.3 GB"
    with pytest.raises(UserError, match=told):
        check_memory(name, 3, 256, 6667)
