"""Steps of Adam on distilled images, and the gradient through the last of them.

A network takes steps by Adam on mini-batches of the distilled images, and is then judged by a loss
of its parameters. The gradient of that loss for the images follows the last steps alone, those of
the window; what Adam knows at its beginning counts as constant.

Y. Feng, R. Vedantam, J. Kempe, "Embarrassingly simple dataset distillation" (ICLR 2024).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ._trajectory_matching import Parameters, inner_product, leaves

DECAYS = (0.9, 0.999)
"""b_1 and b_2."""
TINY = 1e-8
"""Adam's epsilon."""

Loss = Callable[[int, Parameters, Tensor], Tensor]
"""Of (step, parameters, mini-batch); the same arguments give the same loss."""
Judge = Callable[[Parameters], tuple[Tensor, Sequence[Tensor]]]
"""The loss of parameters, and its gradient for each."""


@dataclass(frozen=True)
class AdamState:
    """A network between two steps.

    Args:
        parameters: theta.
        mean: m, of each parameter.
        square: v, of each parameter.
        steps: t, done so far.
    """

    parameters: Parameters
    mean: list[Tensor]
    square: list[Tensor]
    steps: int

    @classmethod
    def fresh(cls, parameters: Parameters) -> AdamState:
        """Before the first step."""
        zeros = [torch.zeros_like(p) for p in parameters]
        return cls(parameters, zeros, zeros, 0)


def adam_step(state: AdamState, gradient: Sequence[Tensor], rate: float) -> AdamState:
    """One step of Adam; the arguments are left alone.

        m' = b_1 m + (1 - b_1) g        v' = b_2 v + (1 - b_2) g^2
        theta' = theta - rate * (m' / (1 - b_1^t)) / (sqrt(v' / (1 - b_2^t)) + 1e-8)

    Args:
        state: theta, m, v, and t - 1.
        gradient: g.
        rate: of Adam.
    """
    t = state.steps + 1
    mean = [m.lerp(g, 1 - DECAYS[0]) for m, g in zip(state.mean, gradient, strict=True)]
    square = [
        (DECAYS[1] * v).addcmul_(g, g, value=1 - DECAYS[1])
        for v, g in zip(state.square, gradient, strict=True)
    ]
    parameters = [
        p - rate * (m / (1 - DECAYS[0] ** t)) / ((v / (1 - DECAYS[1] ** t)).sqrt() + TINY)
        for p, m, v in zip(state.parameters, mean, square, strict=True)
    ]
    return AdamState(parameters, mean, square, t)


@dataclass(frozen=True)
class Pull:
    """Derivatives of the last loss for a state: of theta, m and v, for each parameter."""

    parameters: list[Tensor]
    mean: list[Tensor]
    square: list[Tensor]


def adam_pull(
    after: AdamState, pull: Pull, gradient: Sequence[Tensor], rate: float
) -> tuple[Pull, list[Tensor]]:
    """A step backwards, as far as it does not go through the gradient g.

    With s = sqrt(v' / (1 - b_2^t)) and the derivatives (p, q, r) for (theta', m', v'):

        q <- q - rate p / ((1 - b_1^t) (s + 1e-8))
        r <- r + rate p m' / ((1 - b_1^t) (s + 1e-8)^2 2 s (1 - b_2^t)),  nothing where v' = 0

    Args:
        after: theta', m', v' and t.
        pull: derivatives for it.
        gradient: g.
        rate: of Adam.

    Returns:
        The derivatives for the state before, of which that for theta lacks what comes through g,
        and those for g: (1 - b_1) q + 2 (1 - b_2) g r.
    """
    corrections = [1 - decay**after.steps for decay in DECAYS]
    mean, square, of_gradient = [], [], []
    parts = zip(
        after.mean, after.square, pull.parameters, pull.mean, pull.square, gradient, strict=True
    )
    for m, v, p, q, r, g in parts:
        spread = (v / corrections[1]).sqrt()
        below = spread + TINY
        q = q - rate * p / (corrections[0] * below)
        slope = rate * p * m / (corrections[0] * below.square() * 2 * spread * corrections[1])
        r = r + torch.where(v > 0, slope, 0)
        mean.append(DECAYS[0] * q)
        square.append(DECAYS[1] * r)
        of_gradient.append((1 - DECAYS[0]) * q + 2 * (1 - DECAYS[1]) * g * r)
    return Pull(pull.parameters, mean, square), of_gradient


@dataclass(frozen=True)
class Found:
    """The last loss, and its gradient for the images (N, C, H, W)."""

    loss: Tensor
    images: Tensor


def truncated_gradient(
    loss: Loss,
    images: Tensor,
    order: Sequence[Tensor],
    start: AdamState,
    rate: float,
    window: int,
    judge: Judge,
) -> Found:
    """The gradient through the last steps, with the graph of one step at a time.

    Of each step in the window its state is kept, three numbers a parameter; its gradient is
    computed again on the way back.

    Args:
        loss: of a step.
        images: distilled images (N, C, H, W).
        order: positions of each step's mini-batch, of all steps.
        start: before the first step.
        rate: of Adam.
        window: number of the last steps that are followed.
        judge: the last loss.
    """

    def gradient(step: int, at: Parameters, batch: Tensor, graph: bool) -> tuple[Tensor, ...]:
        return torch.autograd.grad(loss(step, at, batch), at, create_graph=graph)

    first = len(order) - window
    state, path = start, []
    for i, positions in enumerate(order):
        if i >= first:
            path.append(state)
        found = gradient(i, leaves(state.parameters), images[positions], False)
        state = adam_step(state, found, rate)
    value, pulled = judge(state.parameters)
    zeros = [torch.zeros_like(p) for p in state.parameters]
    pull = Pull(list(pulled), zeros, zeros)
    of_images = torch.zeros_like(images)
    for i in reversed(range(first, len(order))):
        before = path.pop()
        at, batch = leaves(before.parameters), images[order[i]].requires_grad_()
        again = gradient(i, at, batch, True)
        pull, along = adam_pull(state, pull, [g.detach() for g in again], rate)
        of_batch, *of_parameters = torch.autograd.grad(
            inner_product(along, again), [batch, *at], allow_unused=True, materialize_grads=True
        )
        of_images.index_add_(0, order[i], of_batch)
        moved = [p + q for p, q in zip(pull.parameters, of_parameters, strict=True)]
        pull, state = Pull(moved, pull.mean, pull.square), before
    return Found(value.detach(), of_images)
