"""The operations found in a step are those that it computes, and the floor repeats just those."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.checkpoint import checkpoint

from ddbench.bench.floor import Floor, Operand, calls_of, operations_of

IMAGES, CHANNELS, WIDTH, SIDE, CLASSES = 4, 3, 5, 6, 2
CONVOLUTION = 2 * IMAGES * WIDTH * SIDE * SIDE * CHANNELS * 3 * 3
"""Operations of `network`'s convolution, of which padding is counted like pixels."""
LINEAR = 2 * IMAGES * WIDTH * SIDE * SIDE * CLASSES


@pytest.fixture
def network():
    convolution = nn.Conv2d(CHANNELS, WIDTH, 3, padding=1)
    return nn.Sequential(convolution, nn.ReLU(), nn.Flatten(), nn.Linear(WIDTH * SIDE**2, CLASSES))


@pytest.fixture
def images():
    return torch.randn(IMAGES, CHANNELS, SIDE, SIDE)


def named(calls):
    return [call.operation.overloadpacket.__name__ for call in calls]


def test_a_training_step_is_seen_forwards_and_backwards(network, images):
    calls = calls_of(lambda: network(images).sum().backward())
    assert named(calls) == ["convolution", "addmm", "mm", "mm", "convolution_backward"]
    # Backwards: of weights alone for the convolution, of weights and inputs for the linear layer.
    assert operations_of(calls) == 2 * CONVOLUTION + 3 * LINEAR


def test_which_gradients_are_wanted_is_kept(network, images):
    weights_alone = calls_of(lambda: network(images).sum().backward())
    leaf = images.clone().requires_grad_()
    both = calls_of(lambda: network(leaf).sum().backward())
    assert weights_alone[-1].arguments[-1] == [False, True, True]
    assert both[-1].arguments[-1] == [True, True, True]


def test_second_derivatives_are_seen(network, images):
    def work():
        (first,) = torch.autograd.grad(
            network(images).square().sum(), network[0].weight, create_graph=True
        )
        first.square().sum().backward()

    once = calls_of(lambda: network(images).square().sum().backward())
    assert operations_of(calls_of(work)) > 2 * operations_of(once)


def test_an_autograd_function_is_seen(images):
    class Fused(torch.autograd.Function):
        @staticmethod
        def forward(ctx, inputs, weight):
            ctx.save_for_backward(inputs, weight)
            return F.conv2d(inputs, weight).relu_()

        @staticmethod
        def backward(ctx, gradient):
            inputs, weight = ctx.saved_tensors
            return None, torch.nn.grad.conv2d_weight(inputs, weight.shape, gradient)

    weight = torch.randn(WIDTH, CHANNELS, 3, 3, requires_grad=True)
    calls = calls_of(lambda: Fused.apply(images, weight).sum().backward())
    assert named(calls) == ["convolution", "convolution_backward"]


def test_what_a_checkpoint_computes_again_is_seen_again(network, images):
    def work():
        checkpoint(network, images, use_reentrant=False).sum().backward()

    assert named(calls_of(work)).count("convolution") == 2


def test_transformed_functions_are_seen(network, images):
    parameters = dict(network.named_parameters())

    def loss(values, batch):
        return torch.func.functional_call(network, values, batch).sum()

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0))
    calls = calls_of(lambda: each(parameters, images.unsqueeze(1)))
    assert operations_of(calls) >= 2 * CONVOLUTION + 2 * LINEAR


def test_a_compiled_step_is_measured_as_it_is_written(network, images):
    compiled = torch.compile(network, backend="eager")
    plain = calls_of(lambda: network(images).sum().backward())
    assert calls_of(lambda: compiled(images).sum().backward()) == plain
    compiled(images)  # compiles now
    assert calls_of(lambda: compiled(images).sum().backward()) == plain


def test_the_floor_does_the_same_calls_again(network, images):
    calls = calls_of(lambda: network(images).sum().backward())
    assert calls_of(Floor(calls)) == calls


@pytest.mark.parametrize(
    "tensor",
    [
        torch.zeros(2, 3, 4, 4),
        torch.zeros(2, 3, 4, 4).to(memory_format=torch.channels_last),
        torch.zeros(3, 1).expand(3, 5),
        torch.zeros(6, 4).t()[1:],
        torch.zeros(0, 3),
        torch.zeros(()),
        torch.zeros(2, 2, dtype=torch.float64),
    ],
    ids=["contiguous", "channels last", "expanded", "part", "empty", "scalar", "double"],
)
def test_a_random_operand_lies_in_memory_as_the_real_one(tensor):
    operand = Operand.of(tensor)
    assert Operand.of(operand.random()) == operand


def test_a_floor_holds_one_tensor_for_equal_operands(images):
    weight = torch.randn(WIDTH, CHANNELS, 3, 3)
    calls = calls_of(lambda: [F.conv2d(images, weight) for _ in range(3)])
    held = {id(arguments[0]) for _, arguments, _ in Floor(calls)._calls}
    assert len(calls) == 3
    assert len(held) == 1
