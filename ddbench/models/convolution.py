"""A convolution whose second derivative uses torch's own kernels for the first.

Torch differentiates the weight gradient of a convolution as a convolution of transposed tensors
with maps in place of kernels, which is slow on a CPU. All that the second derivative needs exists
already: with y = x * k + b, h = dL/dy, and p, q and o the gradients of some scalar with respect to
dL/dx, dL/dk and dL/db,

    its gradient with respect to h:  p * k + x * q + o
    its gradient with respect to x:  the input gradient of a convolution with kernels q, given h
    its gradient with respect to k:  the kernel gradient of a convolution of p, given h
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

Geometry = tuple[tuple[int, ...], tuple[int, ...]]
"""Stride and padding."""


def convolution(maps: Tensor, layer: nn.Conv2d) -> Tensor:
    """Apply a convolution with a bias, without groups or dilation, to maps (N, C, H, W)."""
    geometry = layer.stride, layer.padding
    assert layer.bias is not None
    inputs = (maps, layer.weight, layer.bias)
    # `_wanted` works for views, but not for leaves.
    convolved: Tensor = _Convolution.apply(*(one.view_as(one) for one in inputs), geometry)
    return convolved


class _Convolution(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, kernels: Tensor, bias: Tensor, geometry: Geometry) -> Tensor:
        ctx.save_for_backward(x, kernels)
        ctx.geometry = geometry
        return torch.conv2d(x, kernels, bias, *geometry)

    @staticmethod
    def backward(ctx: Any, of_y: Tensor) -> tuple[Tensor | None, ...]:
        return *_Gradient.apply(of_y, *ctx.saved_tensors, ctx.geometry, _wanted(ctx)), None


class _Gradient(torch.autograd.Function):
    """From h to those of dL/dx, dL/dk and dL/db that are wanted."""

    @staticmethod
    def forward(
        ctx: Any, h: Tensor, x: Tensor, kernels: Tensor, geometry: Geometry, wanted: list[bool]
    ) -> tuple[Tensor | None, ...]:
        ctx.save_for_backward(h, x, kernels)
        ctx.geometry = geometry
        ctx.set_materialize_grads(False)  # unused ones cost nothing
        return _gradients(h, x, kernels, geometry, wanted)

    @staticmethod
    @once_differentiable
    def backward(
        ctx: Any, p: Tensor | None, q: Tensor | None, o: Tensor | None
    ) -> tuple[Tensor | None, ...]:
        h, x, kernels = ctx.saved_tensors
        geometry = ctx.geometry
        _, x_wanted, kernels_wanted = _wanted(ctx)
        of_h = of_x = of_kernels = None
        if p is not None:
            of_h = torch.conv2d(p, kernels, None, *geometry)
            if kernels_wanted:
                of_kernels = _gradients(h, p, kernels, geometry, [False, True, False])[1]
        if q is not None:
            along = torch.conv2d(x, q, None, *geometry)
            of_h = along if of_h is None else of_h.add_(along)
            if x_wanted:
                of_x = _gradients(h, x, q, geometry, [True, False, False])[0]
        if o is not None:
            of_h = (torch.zeros_like(h) if of_h is None else of_h).add_(o.view(-1, 1, 1))
        return of_h, of_x, of_kernels, None, None


def _wanted(ctx: Any) -> list[bool]:
    """For each of the three inputs, whether the current backward pass needs its gradient.

    `ctx.needs_input_grad` says only whether it could: with `torch.autograd.grad(loss, images)` the
    kernels' gradients would be computed for nothing.
    """
    nodes = [node for node, _ in ctx.next_functions]
    return [node is not None and torch._C._will_engine_execute_node(node) for node in nodes]


def _gradients(
    h: Tensor, x: Tensor, kernels: Tensor, geometry: Geometry, wanted: list[bool]
) -> tuple[Tensor | None, ...]:
    stride, padding = geometry
    computed: tuple[Tensor | None, ...] = torch.ops.aten.convolution_backward(
        h, x, kernels, [len(kernels)], stride, padding, (1, 1), False, (0, 0), 1, wanted
    )
    return computed
