"""The architectures for transfer, against libraries and published sizes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
import torchvision
from closeness import assert_agrees, summed_terms
from torch import Tensor, nn
from torchvision.models import vgg

from ddbench.errors import UserError
from ddbench.models.model import Model
from ddbench.models.spec import ModelSpec
from ddbench.runtime.randomness import RandomStream

STREAM = RandomStream(3, ("network",))
PAPER_SIZES = {
    # the figures of the CIFAR-10 networks that this field took over, batch or instance norm alike
    "vgg11": 9_231_114,
    "resnet18": 11_173_962,
    # patches 25,088; positions and token 33,792; three blocks of 1,052,160; head 6,154
    "vit": 3_221_514,
    # 9,728 + 614,592 + 442,624 + 442,560 + 331,968 + 30,730
    "alexnet": 1_872_202,
    # 456 + 2,416 + 48,120 + 10,164 + 850
    "lenet": 62_006,
    # 393,344 + 16,512 + 1,290
    "mlp": 411_146,
}


def built(name: str, resolution: int = 32, channels: int = 3, **settings: object) -> Model:
    return ModelSpec(name, dict(settings)).build(channels, resolution, 10, STREAM)


def images(n: int, channels: int, resolution: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(n, channels, resolution, resolution, generator=generator)


def take_weights(network: nn.Module, source: nn.Module) -> None:
    """Copy weights in the order in which both networks hold them."""
    own, other = network.state_dict(), source.state_dict()
    assert [value.shape for value in own.values()] == [value.shape for value in other.values()]
    network.load_state_dict(dict(zip(own, other.values(), strict=True)))


def instance_norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(channels, channels)


@pytest.mark.parametrize("name", PAPER_SIZES)
def test_parameters_are_as_many_as_known(name: str) -> None:
    assert sum(one.numel() for one in built(name).parameters()) == PAPER_SIZES[name]


@pytest.mark.parametrize(
    ("name", "resolution", "features", "adaptation"),
    [
        ("vgg11", 8, 512, "2 of 5 poolings left out"),
        ("vgg11", 16, 512, "1 of 5 poolings left out"),
        ("vgg11", 28, 512, "images padded to 32x32"),
        ("vgg11", 32, 512, ""),
        ("vgg11", 64, 2048, ""),
        ("resnet18", 8, 512, "stride 1 in stage 4, average pooling 2x2"),
        ("resnet18", 28, 512, "images padded to 32x32"),
        ("resnet18", 32, 512, ""),
        ("resnet18", 64, 2048, ""),
        ("alexnet", 8, 192, ""),
        ("alexnet", 28, 192 * 16, "images padded to 32x32"),
        ("alexnet", 32, 192 * 16, ""),
        ("lenet", 8, 84, "second convolution padded"),
        ("lenet", 32, 84, ""),
        ("vit", 8, 512, ""),
        ("vit", 28, 512, ""),
        ("vit", 64, 512, ""),
    ],
)
def test_features_fit_the_resolution(
    name: str, resolution: int, features: int, adaptation: str
) -> None:
    network = built(name, resolution, channels=1)
    with torch.no_grad():
        assert network.features(images(2, 1, resolution)).shape == (2, features)
    assert network.adaptation == adaptation


@pytest.mark.numerical
def test_resnet18_is_torchvisions_with_a_small_stem() -> None:
    other = torchvision.models.resnet18(num_classes=10, norm_layer=instance_norm)
    other.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    other.maxpool = nn.Identity()
    network = built("resnet18")
    take_weights(network, other)
    assert_same_function(network.double(), other.double())


def assert_same_function(function: Callable[[Tensor], Tensor], other: nn.Module) -> None:
    """On images in float64, where rounding cannot hide another function."""
    given = images(2, 3, 32).double()
    with torch.no_grad():
        assert_agrees(
            [function(given)],
            lambda: [other(given).flatten(1)],
            [given, *other.parameters()],
            terms=summed_terms(other, given),
        )


@pytest.mark.numerical
def test_vgg11_is_torchvisions_with_instance_norm_and_one_linear_layer() -> None:
    usual = vgg.make_layers(vgg.cfgs["A"], batch_norm=True)
    other = nn.Sequential(
        *(
            instance_norm(layer.num_features) if isinstance(layer, nn.BatchNorm2d) else layer
            for layer in usual
        )
    )
    network = built("vgg11")
    take_weights(network.get_submodule("blocks"), other)
    assert_same_function(network.double().features, other.double())


@pytest.mark.numerical
def test_attention_is_the_scaled_dot_product() -> None:
    attention = built("vit").double().eval().get_submodule("blocks.0.attention")
    tokens = torch.randn(2, 5, 512, generator=torch.Generator().manual_seed(0)).double()

    def formula() -> list[Tensor]:
        parts = attention.to_parts(attention.norm(tokens)).chunk(3, -1)
        heads = [part.unflatten(-1, (4, 64)).transpose(1, 2) for part in parts]
        mixed = F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2)
        return [attention.out(mixed)]

    with torch.no_grad():
        inputs = [tokens, *attention.parameters()]
        # A norm, three linear layers of 512, products of 64, and weights of five tokens.
        terms = 2 * 512 + 3 * 512 + 64 + 2 * 5
        assert_agrees([attention(tokens)], formula, inputs, terms=terms)


def test_vit_sees_every_pixel_through_its_patch_alone() -> None:
    network = built("vit").eval()
    first = images(1, 3, 32).requires_grad_()
    tokens = network.patches(F.unfold(first, 4, stride=4).transpose(1, 2))  # type: ignore[operator]
    (gradient,) = torch.autograd.grad(tokens[0, 9].sum(), first)  # second row, second column
    touched = gradient.abs().sum((0, 1)).nonzero()
    assert touched.min(0).values.tolist() == [4, 4]
    assert touched.max(0).values.tolist() == [7, 7]


def test_images_that_cannot_be_cut_or_halved_are_refused_in_one_line() -> None:
    with pytest.raises(UserError, match=r"vit cuts images into patches of 4x4, which 30 pixels"):
        built("vit", 30)
    with pytest.raises(UserError, match=r"alexnet halves images three times"):
        built("alexnet", 4)
