"""Group norm, ReLU and 2x2 average pooling as one operation with closed-form derivatives.

On a CPU the three take a third to more than half of a ConvNet's training step: torch's average
pooling is several times slower there than the additions that it consists of. Differentiated twice,
as in trajectory and gradient matching, they take still more, since torch assembles the second
derivative of a group norm from dozens of operations. Here the first derivative is torch's kernel
for the norm, combined with pooling by slices, and the second follows from the formulas below. The
results differ from those of the three modules by rounding.

With x^ = (x - m) r over a group of M values, r = 1 / sqrt(var + eps), z = w x^ + b and g = dL/dz,
the gradient that comes through pooling and ReLU,

    dL/dx = r P(w g),   P(u) = u - mean(u) - x^ mean(u x^),   dL/dw = sum g x^,   dL/db = sum g

For v, p and q, the gradients of some scalar with respect to these three,

    its gradient with respect to g:  w r P(v) + p x^ + q
    its gradient with respect to w:  sum g r P(v)
    its gradient with respect to x:  r P(p g - r (v mean(w g x^) + w g mean(v x^))) - s r^2 x^

with s = mean(v P(w g)), which acts through r.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable


def norm_relu_pool(maps: Tensor, norm: nn.GroupNorm) -> Tensor:
    """Average pooling 2x2 of relu(norm(maps)).

    Args:
        maps: (N, C, H, W) with even sides.
        norm: with weights and biases.

    Returns:
        Maps (N, C, H / 2, W / 2). They can be differentiated twice.
    """
    pooled: Tensor = _NormReLUPool.apply(maps, norm.weight, norm.bias, norm.num_groups, norm.eps)
    return pooled


class _NormReLUPool(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, groups: int, eps: float
    ) -> Tensor:
        x = x.contiguous()
        n, c, h, w = x.shape
        z, mean, rstd = torch.native_group_norm(x, weight, bias, n, c, h * w, groups, eps)
        z.relu_()
        ctx.save_for_backward(x, weight, z, mean, rstd)
        return _pooled(z)

    @staticmethod
    def backward(ctx: Any, of_pooled: Tensor) -> tuple[Tensor | None, ...]:
        return *_Gradient.apply(of_pooled, *ctx.saved_tensors), None, None


class _Gradient(torch.autograd.Function):
    """From the gradient of the pooled maps to dL/dx, dL/dw and dL/db."""

    @staticmethod
    def forward(
        ctx: Any,
        of_pooled: Tensor,
        x: Tensor,
        weight: Tensor,
        z: Tensor,
        mean: Tensor,
        rstd: Tensor,
    ) -> tuple[Tensor, ...]:
        ctx.save_for_backward(of_pooled, x, weight, z, mean, rstd)
        n, c, h, w = x.shape
        gradients: tuple[Tensor, ...] = torch.ops.aten.native_group_norm_backward(
            _spread(of_pooled, z), x, mean, rstd, weight, n, c, h * w, mean.shape[1], [True] * 3
        )
        return gradients

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, v: Tensor, p: Tensor, q: Tensor) -> tuple[Tensor | None, ...]:
        of_pooled, x, weight, z, mean, rstd = ctx.saved_tensors
        n, c, h, w = x.shape
        groups = mean.shape[1]
        v, g = v.contiguous(), _spread(of_pooled, z)

        def by_channel(of_groups: Tensor) -> Tensor:
            """(N, groups) to (N, C)."""
            return of_groups.repeat_interleave(c // groups, 1)

        def group_mean(sums: Tensor) -> Tensor:
            """The mean of each channel's group (N, C), from sums over maps (N, C)."""
            return by_channel(sums.view(n, groups, -1).sum(2) * (groups / (c * h * w)))

        r, m = by_channel(rstd), by_channel(mean)
        v_sum, vx_sum = _sums(v, x, mean, rstd)
        g_sum, gx_sum = _sums(g, x, mean, rstd)
        vg_sum = (v * g).sum((2, 3))
        v_mean, vx_mean = group_mean(v_sum), group_mean(vx_sum)
        u_mean, ux_mean = group_mean(weight * g_sum), group_mean(weight * gx_sum)
        s = group_mean(weight * vg_sum) - v_mean * u_mean - vx_mean * ux_mean

        # Each is a combination of v, g and x^ with a coefficient for every map; x^ = r x - r m.
        by_v, by_x = weight * r, p - weight * r * vx_mean
        of_g = _combination((by_v, v), (by_x * r, x))
        of_g += _maps(q - by_v * v_mean - by_x * r * m)
        of_g = torch.ops.aten.threshold_backward(of_g, z, 0)

        of_weight = (r * (vg_sum - v_mean * g_sum - vx_mean * gx_sum)).sum(0)

        by_v, by_g = -r * ux_mean, p - r * weight * vx_mean  # of what P is applied to
        inner_mean = group_mean(by_v * v_sum + by_g * g_sum)
        by_x = -r * group_mean(by_v * vx_sum + by_g * gx_sum) - r.square() * s
        of_x = _combination((r * by_v, v), (r * by_g, g), (by_x * r, x))
        of_x += _maps(-r * inner_mean - by_x * r * m)
        return _pooled(of_g), of_x, of_weight, None, None, None


def _pooled(maps: Tensor) -> Tensor:
    """Average pooling 2x2 of maps (N, C, H, W)."""
    rows = maps[:, :, ::2] + maps[:, :, 1::2]
    return (rows[..., ::2] + rows[..., 1::2]).mul_(0.25)


def _spread(of_pooled: Tensor, z: Tensor) -> Tensor:
    """The gradient (N, C, H, W) before pooling and ReLU, where z is the output of ReLU."""
    quarter = 0.25 * of_pooled
    # A complex number is two real ones in memory: the fastest way to write each value twice.
    rows = torch.view_as_real(torch.complex(quarter, quarter)).flatten(3)
    spread: Tensor = torch.stack((rows, rows), 3).view_as(z)
    return torch.ops.aten.threshold_backward(spread, z, 0)  # type: ignore[no-any-return]


def _sums(u: Tensor, x: Tensor, mean: Tensor, rstd: Tensor) -> tuple[Tensor, Tensor]:
    """Sums over each map (N, C) of u and of u x^.

    They are the gradients of the weights and biases of a group norm of a single image whose
    channels are all the maps.
    """
    n, c, h, w = x.shape
    _, ux, alone = torch.ops.aten.native_group_norm_backward(
        u, x, mean.view(1, -1), rstd.view(1, -1), None, 1, n * c, h * w, mean.numel(),
        [False, True, True],
    )  # fmt: skip
    return alone.view(n, c), ux.view(n, c)


def _maps(coefficients: Tensor) -> Tensor:
    """(N, C) as (N, C, 1, 1)."""
    return coefficients[..., None, None]


def _combination(*terms: tuple[Tensor, Tensor]) -> Tensor:
    """The sum of maps (N, C, H, W), each times its coefficients (N, C)."""
    (first, maps), *others = terms
    total = maps * _maps(first)
    for coefficients, maps in others:
        total.addcmul_(maps, _maps(coefficients))  # reads and writes the sum once
    return total
