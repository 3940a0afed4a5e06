"""A set stored as pictures are: what it weighs, and what students make of it."""

from __future__ import annotations

import importlib
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from ddbench.data.input_space import InputSpace
from ddbench.distilling.distilled_set import DistilledSet
from ddbench.runs.execute import execute
from ddbench.scoring.registry import EVALUATORS
from ddbench.testing.common import tiny_request

coded_images = importlib.import_module(f"{EVALUATORS.package}._coded_images")
CODINGS, as_jpeg, in_8_bits = (
    getattr(coded_images, name) for name in ("CODINGS", "as_jpeg", "in_8_bits")
)


def made(channels: int, pixels: torch.Tensor | None = None) -> tuple[DistilledSet, Any]:
    """A set of whole pixels, and a lab of its space."""
    mean, std = torch.full((channels,), 0.4), torch.full((channels,), 0.25)
    space = InputSpace("normalised", mean, std, std)
    if pixels is None:
        generator = torch.Generator().manual_seed(0)
        pixels = torch.randint(0, 256, (6, channels, 8, 8), generator=generator).byte()
    images = space.transform(pixels)
    made = DistilledSet(images, torch.arange(6), tuple("abcdef"), "digits", "normalised")
    return made, SimpleNamespace(space=space)


@pytest.mark.parametrize("channels", [1, 3])
def test_whole_pixels_survive_8_bits_and_weigh_a_byte_each(channels):
    distilled, lab = made(channels)
    coded, weight = in_8_bits(distilled, lab)
    assert weight == distilled.images.numel()
    assert torch.equal(coded.images, distilled.images)


def test_values_between_levels_move_to_the_nearest_and_those_outside_to_the_edge():
    distilled, lab = made(1)
    distilled.images[0] += 0.4 / 255 / 0.25
    distilled.images[1] += 100.0
    coded, _ = in_8_bits(distilled, lab)
    assert torch.allclose(coded.images[0], made(1)[0].images[0], atol=1e-5)
    assert torch.allclose(coded.images[1] * 0.25 + 0.4, torch.ones(1, 8, 8), atol=1e-5)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_gives_images_near_the_smooth_ones_that_it_was_given(channels):
    ramp = torch.linspace(40, 200, 64).view(1, 1, 8, 8).repeat(6, channels, 1, 1).byte()
    distilled, lab = made(channels, ramp)
    coded, weight = as_jpeg(distilled, lab)
    assert (coded.images - distilled.images).abs().max() * 0.25 * 255 < 8
    assert 6 * 100 < weight < 6 * 2000  # six files with their headers


@pytest.mark.parametrize("coding", CODINGS)
def test_a_coded_set_keeps_its_labels_and_shape(coding):
    distilled, lab = made(3)
    coded, _ = CODINGS[coding](distilled, lab)
    assert torch.equal(coded.labels, distilled.labels)
    assert coded.images.shape == distilled.images.shape
    assert coded.images.dtype == torch.float32


def test_real_images_lose_nothing_in_8_bits_and_every_protocol_is_scored(tmp_path):
    request = tiny_request(
        tmp_path, "method=random", "evaluators=[storage]", "evaluators.storage.scored=true"
    )
    record = execute(request, quiet=True).record
    lost = {
        (m.coordinates["coding"], m.coordinates["protocol"]): m.value
        for m in record.measurements
        if m.metric == "storage_accuracy_difference"
    }
    labels = {protocol.label for protocol in record.protocols}
    assert lost.keys() == {(coding, label) for coding in CODINGS for label in labels}
    assert all(value == 0 for (coding, _), value in lost.items() if coding == "uint8")
