"""ConvNet against the field's published sizes and shapes."""

from __future__ import annotations

import pytest
import torch
from closeness import assert_close
from torch import nn

from ddbench.errors import UserError
from ddbench.models.model import Model
from ddbench.models.spec import ModelSpec
from ddbench.runtime.randomness import RandomStream

pytestmark = pytest.mark.numerical
STREAM = RandomStream(3, ("network",))


def convnet(
    channels: int = 3, resolution: int = 32, classes: int = 10, **settings: object
) -> Model:
    return ModelSpec("convnet", dict(settings)).build(channels, resolution, classes, STREAM)


@pytest.mark.parametrize(
    ("resolution", "classes", "parameters"),
    [(32, 10, 320_010), (64, 200, 857_160), (64, 1000, 2_496_360)],
)
def test_parameters_are_as_many_as_published(
    resolution: int, classes: int, parameters: int
) -> None:
    network = convnet(3, resolution, classes, width=128)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters


@pytest.mark.parametrize(
    ("resolution", "depth", "features"),
    [(8, 2, 32), (28, 3, 128), (32, 3, 128), (64, 4, 128), (128, 5, 128)],
)
def test_depth_leaves_maps_of_four_pixels(resolution: int, depth: int, features: int) -> None:
    network = convnet(1, resolution, width=8)
    assert sum(isinstance(layer, nn.Conv2d) for layer in network.modules()) == depth
    assert network.features(torch.zeros(2, 1, resolution, resolution)).shape == (2, features)


def test_28_pixels_are_padded_to_32_by_the_first_convolution() -> None:
    network = convnet(1, 28, width=8)
    paddings = [layer.padding for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    assert paddings == [(3, 3), (1, 1), (1, 1)]
    first = network.get_submodule("blocks.0")
    assert first(torch.zeros(1, 1, 28, 28)).shape == (1, 8, 32, 32)


def test_instance_norm_is_the_same_in_training_and_evaluation() -> None:
    network = convnet(width=8)
    images = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(network.train()(images), network.eval()(images))
    norm = network.get_submodule("blocks.1")
    assert isinstance(norm, nn.GroupNorm)
    assert (norm.num_groups, norm.affine) == (8, True)
    hidden = torch.randn(4, 8, 6, 6, generator=torch.Generator().manual_seed(0)).double()
    assert_close(norm.double()(hidden), nn.InstanceNorm2d(8)(hidden), terms=2 * 36 + 4)


@pytest.mark.parametrize(
    ("norm", "layer"),
    [("batch", nn.BatchNorm2d), ("group", nn.GroupNorm), ("none", nn.Identity)],
)
def test_other_norms_are_the_layers_they_name(norm: str, layer: type[nn.Module]) -> None:
    chosen = convnet(width=8, norm=norm).get_submodule("blocks.1")
    assert isinstance(chosen, layer)
    assert not isinstance(chosen, nn.GroupNorm) or chosen.num_groups == 4


def test_depth_beyond_the_resolution_is_refused_in_one_line() -> None:
    with pytest.raises(UserError, match=r"depth=4: 8x8 images can be halved at most 3 times"):
        convnet(1, 8, depth=4)


def test_width_depends_on_the_device_unless_given() -> None:
    settings = ModelSpec("convnet").typed_settings
    assert settings.for_device("cpu").plain()["width"] == 32
    assert settings.for_device("cuda").plain()["width"] == 128
    given = ModelSpec("convnet", {"width": 7}).typed_settings
    assert given.for_device("cuda").plain()["width"] == 7
