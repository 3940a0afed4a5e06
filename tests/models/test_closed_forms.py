"""Layers with closed-form derivatives against torch's layers, differentiated once and twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from closeness import assert_close
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from ddbench.models.convolution import convolution
from ddbench.models.model import Model
from ddbench.models.norm_relu_pool import norm_relu_pool
from ddbench.models.spec import ModelSpec
from ddbench.runtime.randomness import RandomStream

pytestmark = pytest.mark.numerical
Function = Callable[[Tensor], Tensor]


def random(*shape: int, seed: int = 0, offset: float = 0.0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.float64) + offset


def randomised(layer: nn.Module) -> nn.Module:
    layer.double()
    for k, parameter in enumerate(layer.parameters()):
        nn.init.normal_(parameter, generator=torch.Generator().manual_seed(k))
    return layer


def derived_twice(function: Function, x: Tensor, parameters: list[Tensor]) -> list[Tensor]:
    """Values, first derivatives, and the derivatives of random sums of these."""
    inputs = [x.clone().requires_grad_(), *parameters]
    values = function(inputs[0])
    loss = (values * random(*values.shape, seed=7)).sum() + values.pow(3).sum()
    first = torch.autograd.grad(loss, inputs, create_graph=True)
    total = torch.stack(
        [(one * random(*one.shape, seed=9 + k)).sum() for k, one in enumerate(first)]
    ).sum()
    return [values, *first, *torch.autograd.grad(total, inputs)]


@pytest.mark.parametrize("groups", [1, 2, 8])
@pytest.mark.parametrize("sides", [(6, 4), (2, 2)])
def test_norm_relu_and_pool_joined_are_the_three_of_torch(
    groups: int, sides: tuple[int, int]
) -> None:
    norm = randomised(nn.GroupNorm(groups, 8))
    assert isinstance(norm, nn.GroupNorm)
    x, parameters = random(3, 8, *sides, offset=0.5), list(norm.parameters())
    found = derived_twice(lambda maps: norm_relu_pool(maps, norm), x, parameters)
    wanted = derived_twice(lambda maps: F.avg_pool2d(norm(maps).relu(), 2), x, parameters)
    for ours, theirs in zip(found, wanted, strict=True):
        assert_close(ours, theirs, terms=8 * sides[0] * sides[1])


@pytest.mark.parametrize(("stride", "padding"), [(1, 1), (2, 0), (1, 3)])
def test_a_convolution_is_that_of_torch(stride: int, padding: int) -> None:
    layer = randomised(nn.Conv2d(3, 5, 3, stride, padding))
    assert isinstance(layer, nn.Conv2d)
    x, parameters = random(4, 3, 6, 7), list(layer.parameters())
    found = derived_twice(lambda maps: convolution(maps, layer), x, parameters)
    wanted = derived_twice(layer, x, parameters)
    for ours, theirs in zip(found, wanted, strict=True):
        assert_close(ours, theirs, terms=4 * 6 * 7 * 9)


@pytest.mark.parametrize(
    "asked", [[True, False, False], [False, True, False], [False, False, True]]
)
def test_a_convolution_is_derived_twice_through_any_one_of_its_gradients(asked: list[bool]) -> None:
    layer = randomised(nn.Conv2d(2, 3, 3, padding=1))
    assert isinstance(layer, nn.Conv2d)

    def second(function: Function) -> list[Tensor]:
        inputs = [random(2, 2, 4, 4).requires_grad_(), *layer.parameters()]
        loss = function(inputs[0]).pow(3).sum()
        chosen = [one for one, wanted in zip(inputs, asked, strict=True) if wanted]
        (first,) = torch.autograd.grad(loss, chosen, create_graph=True)
        return list(torch.autograd.grad(first.pow(2).sum(), inputs))

    for ours, theirs in zip(
        second(lambda maps: convolution(maps, layer)), second(layer), strict=True
    ):
        assert_close(ours, theirs, terms=2 * 4 * 4 * 9)


class Asked(TorchDispatchMode):
    """Notes which gradients of convolutions are computed: of the input, kernels and biases."""

    def __init__(self) -> None:
        super().__init__()
        self.masks: list[list[bool]] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is torch.ops.aten.convolution_backward.default:
            self.masks.append(list(args[-1]))
        return func(*args, **(kwargs or {}))


def test_no_gradient_of_a_convolution_is_computed_that_nobody_asks_for() -> None:
    layer = randomised(nn.Conv2d(2, 3, 3, padding=1))
    assert isinstance(layer, nn.Conv2d)
    images = random(2, 2, 4, 4).requires_grad_()
    loss = convolution(images, layer).pow(3).sum()
    with Asked() as asked:
        (of_kernels,) = torch.autograd.grad(loss, [layer.weight], create_graph=True)
    assert asked.masks == [[False, True, False]]
    with Asked() as asked:
        torch.autograd.grad(of_kernels.pow(2).sum(), images)
    assert asked.masks == [[True, False, False]] * 2  # through the gradient, and through the maps


def convnet(resolution: int = 16, **settings: object) -> Model:
    spec = ModelSpec("convnet", {"width": 4, "depth": 3, **settings})
    return spec.build(3, resolution, 5, RandomStream(3)).double()


@pytest.mark.parametrize("norm", ["instance", "group", "batch", "none"])
@pytest.mark.parametrize("resolution", [16, 12])  # 12 is halved to 3, which is odd
def test_a_convnet_is_its_layers_one_by_one(norm: str, resolution: int) -> None:
    network = convnet(resolution, norm=norm)
    x, parameters = random(4, 3, resolution, resolution), list(network.parameters())

    def layer_by_layer(images: Tensor) -> Tensor:
        return network.classifier(network.blocks(images).flatten(1))  # type: ignore[operator, no-any-return]

    # Compared together: before an instance norm the derivatives of biases are rounded zeros.
    found = torch.cat([one.flatten() for one in derived_twice(network, x, parameters)])
    wanted = torch.cat([one.flatten() for one in derived_twice(layer_by_layer, x, parameters)])
    assert_close(found, wanted, terms=3 * resolution**2 * 9)


def test_torch_func_and_forward_mode_go_through_a_convnet() -> None:
    network = convnet()
    x, direction = random(2, 3, 16, 16), random(2, 3, 16, 16, seed=1)
    _, along = torch.func.jvp(network, (x,), (direction,))
    step = 1e-6
    with torch.no_grad():
        difference = (network(x + step * direction) - network(x - step * direction)) / (2 * step)
    torch.testing.assert_close(along, difference, rtol=1e-5, atol=1e-6)
    each = torch.vmap(lambda image: network(image[None])[0], randomness="error")(x)
    torch.testing.assert_close(each, network(x), rtol=1e-9, atol=1e-9)


def test_a_hook_on_a_layer_is_called() -> None:
    network, seen = convnet(), []
    layer = network.get_submodule("blocks.1")
    layer.register_forward_hook(lambda module, inputs, output: seen.append(output.shape))
    network(random(2, 3, 16, 16))
    assert seen == [(2, 4, 16, 16)]


@pytest.mark.parametrize("layer", ["blocks.0", "blocks.5", "blocks.10"])
def test_a_layer_that_was_replaced_does_its_own_work(layer: str) -> None:
    network, images = convnet(), random(2, 3, 16, 16)
    before = network(images)
    network.set_submodule(layer, nn.Sequential(network.get_submodule(layer), nn.Softplus()))
    assert not torch.allclose(network(images), before)
