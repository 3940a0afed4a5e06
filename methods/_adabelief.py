"""AdaBelief, as in optax."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

DECAYS = (0.9, 0.999)
TINY = 1e-16


class AdaBelief(torch.optim.Optimizer):
    """Adam with the variance of gradients around their mean in place of their second moment.

    J. Zhuang et al., "AdaBelief optimizer" (NeurIPS 2020), with m and s initially zero:

        s <- .999 s + .001 (g - m)^2 + 1e-16        m <- .9 m + .1 g
        x <- x - rate * m' / (sqrt(s') + 1e-16),    m' = m / (1 - .9^t),  s' = s / (1 - .999^t)

    g is compared with the mean before the step, as in optax; with the mean after it, as in the
    paper and in other libraries, the same rate takes steps that are a ninth longer.

    Args:
        parameters: tensors, or parameter groups with their own rates.
        rate: learning rate of parameters without their own.
    """

    def __init__(
        self, parameters: Iterable[Tensor] | Iterable[dict[str, Any]], rate: float
    ) -> None:
        super().__init__(parameters, {"lr": rate})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update each parameter from its gradient `grad`."""
        for group in self.param_groups:
            for value in group["params"]:
                state = self.state[value]
                if not state:
                    state |= {"t": 0, "m": torch.zeros_like(value), "s": torch.zeros_like(value)}
                state["t"] += 1
                belief = value.grad - state["m"]
                state["s"].mul_(DECAYS[1]).addcmul_(belief, belief, value=1 - DECAYS[1]).add_(TINY)
                state["m"].lerp_(value.grad, 1 - DECAYS[0])
                mean = state["m"] / (1 - DECAYS[0] ** state["t"])
                spread = (state["s"] / (1 - DECAYS[1] ** state["t"])).sqrt() + TINY
                value.addcdiv_(mean, spread, value=-group["lr"])
