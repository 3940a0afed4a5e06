"""Adam steps on distilled images, and the gradient through the last of them.

A network takes Adam steps on mini-batches of the distilled images and is then judged by a loss of
its parameters. The gradient of that loss with respect to the images is truncated to the last steps,
the window; Adam's state at the start of the window counts as constant.

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
"""Maps (step, parameters, mini-batch) to the loss; the same arguments give the same loss."""
Judge = Callable[[Parameters], tuple[Tensor, Sequence[Tensor]]]
"""Maps parameters to their loss and its gradient for each of them."""


@dataclass(frozen=True)
class AdamState:
    """A network and its optimiser state between two steps.

    Args:
        parameters: theta.
        mean: m, for each parameter.
        square: v, for each parameter.
        steps: t, the number of steps so far.
    """

    parameters: Parameters
    mean: list[Tensor]
    square: list[Tensor]
    steps: int

    @classmethod
    def fresh(cls, parameters: Parameters) -> AdamState:
        """The state before the first step."""
        zeros = [torch.zeros_like(p) for p in parameters]
        return cls(parameters, zeros, zeros, 0)


def adam_step(state: AdamState, gradient: Sequence[Tensor], rate: float) -> AdamState:
    """Take one Adam step; the arguments are not modified.

        m' = b_1 m + (1 - b_1) g        v' = b_2 v + (1 - b_2) g^2
        theta' = theta - rate * (m' / (1 - b_1^t)) / (sqrt(v' / (1 - b_2^t)) + 1e-8)

    Args:
        state: theta, m, v, and t - 1.
        gradient: g.
        rate: learning rate.
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
    """Derivatives of the final loss with respect to theta, m and v, for each parameter."""

    parameters: list[Tensor]
    mean: list[Tensor]
    square: list[Tensor]


def adam_pull(
    after: AdamState, pull: Pull, gradient: Sequence[Tensor], rate: float
) -> tuple[Pull, list[Tensor]]:
    """Backpropagate through one Adam step, except through the gradient g.

    With s = sqrt(v' / (1 - b_2^t)) and the derivatives (p, q, r) with respect to (theta', m', v'):

        q <- q - rate p / ((1 - b_1^t) (s + 1e-8))
        r <- r + rate p m' / ((1 - b_1^t) (s + 1e-8)^2 2 s (1 - b_2^t)),  unchanged where v' = 0

    Args:
        after: theta', m', v' and t.
        pull: derivatives with respect to it.
        gradient: g.
        rate: learning rate.

    Returns:
        The derivatives with respect to the state before the step, where that of theta lacks the
        part through g, and those with respect to g: (1 - b_1) q + 2 (1 - b_2) g r.
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
    """The final loss, and its gradient with respect to the images (N, C, H, W)."""

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

    Only the state before each step in the window is kept, three numbers per parameter; the step's
    gradient is recomputed in the backward pass.

    Args:
        loss: the loss of a step.
        images: distilled images (N, C, H, W).
        order: for each of all steps, the positions of its mini-batch.
        start: the state before the first step.
        rate: learning rate.
        window: number of last steps to backpropagate through.
        judge: the final loss.
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
