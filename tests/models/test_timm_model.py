"""timm's networks on small images: what is changed, and what is refused."""

from __future__ import annotations

import pytest
import torch

from ddbench.errors import UserError
from ddbench.models.model import Model
from ddbench.models.spec import ModelSpec, model_named
from ddbench.runtime.randomness import RandomStream

STREAM = RandomStream(3, ("network",))
SMALL_STEM = "conv1 3x3 stride 1, maxpool left out"


def built(architecture: str, resolution: int, channels: int = 3) -> Model:
    return model_named(f"timm:{architecture}", "cpu").build(channels, resolution, 10, STREAM)


@pytest.mark.parametrize(
    ("architecture", "resolution", "adaptation"),
    [
        ("resnet10t", 224, ""),
        ("resnet18", 32, SMALL_STEM),
        ("resnet18", 64, "conv1 3x3 stride 1"),
        (
            "resnet18",
            8,
            f"{SMALL_STEM}, layer2.0.conv1 stride 1 (usually 2), "
            "layer2.0.downsample.0 stride 1 (usually 2)",
        ),
        ("convnext_atto", 64, "stem.0 2x2 stride 2"),
        ("convnext_atto", 32, "stem.0 3x3 stride 1"),
        ("vit_tiny_patch16_224", 32, "input size 32, patches of 4 pixels (usually 16)"),
    ],
)
def test_stride_is_lowered_no_more_than_needed(
    architecture: str, resolution: int, adaptation: str
) -> None:
    network = built(architecture, resolution, channels=1)
    assert network.adaptation == adaptation
    with torch.no_grad():
        assert network(torch.zeros(2, 1, resolution, resolution)).shape == (2, 10)


def test_resnet18_with_its_stem_adapted_has_the_size_of_the_small_one() -> None:
    assert sum(one.numel() for one in built("resnet18", 32).parameters()) == 11_173_962


def test_last_maps_are_at_least_four_pixels() -> None:
    network = built("mobilenetv3_small_050", 32)
    with torch.no_grad():
        maps = network.network.forward_features(torch.zeros(1, 3, 32, 32))  # type: ignore[operator]
    assert maps.shape[-2:] == (4, 4)


def test_unknown_network_is_refused_with_near_names() -> None:
    with pytest.raises(UserError, match="'convnxt_atto': did you mean convnext_atto"):
        model_named("timm:convnxt_atto", "cpu")
    with pytest.raises(UserError, match=r"'qqqqqqqq': timm has \d+ others"):
        model_named("timm:qqqqqqqq", "cpu")


@pytest.mark.parametrize("name", ["hf-hub:somebody/something", "local-dir:/tmp"])
def test_names_that_would_fetch_or_read_something_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="unknown timm model"):
        model_named(f"timm:{name}", "cpu")


@pytest.mark.parametrize(
    ("architecture", "adaptation"),
    [
        ("coat_tiny", "input size 32"),
        ("levit_128s", "input size 32"),
        ("test_coatnet", "input size 32"),
        ("gmlp_ti16_224", "input size 32"),
        ("xcit_nano_12_p8_224", "input size 32"),
        ("efficientvit_m0", "input size 32"),
        ("crossvit_tiny_240", ""),
    ],
)
def test_network_that_cannot_be_adapted_is_built_for_the_size_or_left_as_it_is(
    architecture: str, adaptation: str
) -> None:
    network = built(architecture, 32)
    assert network.adaptation == adaptation
    with torch.no_grad():
        images = torch.zeros(2, 3, 32, 32)
        assert network(images).shape == (2, 10)
        assert network.features(images).ndim == 2


def test_refusal_names_the_next_size_that_the_network_takes() -> None:
    with pytest.raises(UserError, match=r"inception_v4 cannot take 32x32 .* take is 96$"):
        built("inception_v4", 32)
    built("inception_v4", 96)


def test_word_names_a_registered_model_or_one_of_timm() -> None:
    assert model_named("timm:resnet10t", "cpu") == ModelSpec(
        "timm_model", {"architecture": "resnet10t"}
    )
    assert model_named("convnet", "cpu").settings["width"] == 32
    with pytest.raises(UserError, match=r"unknown model 'resnet81': did you mean .*resnet18.*timm"):
        model_named("resnet81", "cpu")
