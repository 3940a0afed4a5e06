"""Optimisers by name, for training recipes."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import Parameter

Parameters = Iterable[Parameter]


class OptimiserSettings(Protocol):
    """The numbers that an optimiser is built from; a `TrainingRecipe` has them."""

    @property
    def learning_rate(self) -> float:
        """Initial rate."""
        ...

    @property
    def momentum(self) -> float:
        """Momentum of SGD."""
        ...

    @property
    def weight_decay(self) -> float:
        """L2 penalty factor."""
        ...

    @property
    def sharpness_radius(self) -> float:
        """rho of GSAM."""
        ...

    @property
    def surrogate_gap(self) -> float:
        """alpha of GSAM."""
        ...


def _sgd(parameters: Parameters, settings: OptimiserSettings) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        parameters,
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )


def _adam(parameters: Parameters, settings: OptimiserSettings) -> torch.optim.Optimizer:
    return torch.optim.Adam(
        parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay
    )


def _adamw(parameters: Parameters, settings: OptimiserSettings) -> torch.optim.Optimizer:
    return torch.optim.AdamW(
        parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay
    )


class GSAM(torch.optim.SGD):
    """SGD along the gradient of surrogate-gap guided, adaptive sharpness-aware minimisation.

    J. Zhuang et al., "Surrogate gap minimization improves sharpness-aware training" (ICLR 2022),
    with the perturbation of J. Kwon et al., "ASAM" (ICML 2021). With g0 the gradient at w:

        e  = rho w^2 g0 / || |w| g0 ||            g1 = gradient at w + e
        v  = g0 - cos(g0, g1) ||g0|| g1 / ||g1||  (the part of g0 orthogonal to g1)
        SGD descends g1 - alpha v from w

    Norms are over all parameters together. Both gradients are of the same batch.

    Args:
        parameters: what is trained.
        rho: size of the perturbation.
        alpha: weight of the surrogate gap.
        settings: of SGD.
    """

    def __init__(self, parameters: Parameters, rho: float, alpha: float, **settings: float) -> None:
        super().__init__(parameters, **settings)  # type: ignore[arg-type]
        self.rho, self.alpha = rho, alpha

    def step(self, closure: Any = None) -> Any:
        """One update; the closure computes loss and gradient, and is called twice."""
        loss = closure()
        with torch.no_grad():
            weights = [p for group in self.param_groups for p in group["params"]]
            before = [p.clone() for p in weights]
            first = [_gradient(p).clone() for p in weights]
            length = _norm([p * g for p, g in zip(weights, first, strict=True)])
            for p, g in zip(weights, first, strict=True):
                p.addcmul_(p.square(), g * (self.rho / (length + _TINY)))
        closure()
        with torch.no_grad():
            second = [_gradient(p) for p in weights]
            pairs = list(zip(first, second, strict=True))
            inner = torch.stack([(a * b).sum() for a, b in pairs]).sum()
            along = inner / (_norm(second).square() + _TINY)  # cos ||g0|| / ||g1||
            for p, old, (a, b) in zip(weights, before, pairs, strict=True):
                p.copy_(old)
                b.sub_(a - along * b, alpha=self.alpha)
        super().step()
        return loss


_TINY = 1e-12


def _gradient(parameter: Tensor) -> Tensor:
    return torch.zeros_like(parameter) if parameter.grad is None else parameter.grad


def _norm(values: list[Tensor]) -> Tensor:
    return torch.stack([value.square().sum() for value in values]).sum().sqrt()


def _gsam(parameters: Parameters, settings: OptimiserSettings) -> torch.optim.Optimizer:
    return GSAM(
        parameters,
        settings.sharpness_radius,
        settings.surrogate_gap,
        lr=settings.learning_rate,
        momentum=settings.momentum,
        weight_decay=settings.weight_decay,
    )


OPTIMISERS: dict[str, Callable[[Parameters, OptimiserSettings], torch.optim.Optimizer]] = {
    "sgd": _sgd,
    "adam": _adam,
    "adamw": _adamw,
    "gsam": _gsam,
}
"""The loop calls `step(closure)`, so an optimiser may evaluate the gradient more than once."""
