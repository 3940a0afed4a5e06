"""Pictures of sets of any shape."""

from __future__ import annotations

import io

import pytest
import torch
from PIL import Image

from ddbench.data.input_space import InputSpace
from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.gallery import gallery_png


@pytest.mark.parametrize("ipc", [1, 3])
@pytest.mark.parametrize("resolution", [1, 2, 7])
@pytest.mark.parametrize("channels", [1, 2, 3, 4, 16])
def test_images_of_any_size_and_number_of_channels_are_drawn(
    channels: int, resolution: int, ipc: int
) -> None:
    images = torch.rand(2 * ipc, channels, resolution, resolution)
    labels = torch.arange(2).repeat_interleave(ipc)
    distilled = DistilledSet(images, labels, ("a", "b"), "made", "normalised")
    ones = torch.ones(channels)
    space = InputSpace("normalised", ones * 0, ones, ones)
    picture = gallery_png(distilled, space, "a title")
    assert Image.open(io.BytesIO(picture)).format == "PNG"


def test_picture_of_an_uneven_set_has_room_for_its_largest_class() -> None:
    ones = torch.ones(1)
    space = InputSpace("normalised", ones * 0, ones, ones)
    sizes = []
    for counts in ((1, 4), (4, 4)):
        labels = torch.arange(2).repeat_interleave(torch.tensor(counts))
        images = torch.rand(len(labels), 1, 5, 5)
        distilled = DistilledSet(images, labels, ("a", "b"), "made", "normalised")
        sizes.append(Image.open(io.BytesIO(gallery_png(distilled, space, "a title"))).size)
    assert sizes[0] == sizes[1]
