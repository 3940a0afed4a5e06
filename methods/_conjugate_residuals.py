"""Conjugate residuals: linear systems with a symmetric positive definite matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Solution(NamedTuple):
    """What the iteration found.

    Attributes:
        vector: x.
        residual: || b - A x || / || b ||; 0 where b is 0.
        steps: products with A that it took.
    """

    vector: Tensor
    residual: float
    steps: int


def solved(
    product: Callable[[Tensor], Tensor], right: Tensor, steps: int, tolerance: float
) -> Solution:
    """Solve A x = b from x = 0, by one product with A in each step.

    Of all vectors that so many products can reach, x has the smallest residual, so the residual
    falls in every step and is at most 1: E. Stiefel, "Relaxationsmethoden bester Strategie zur
    Lösung linearer Gleichungssysteme" (1955).

    Args:
        product: gives A v for a vector v.
        right: b.
        steps: at most.
        tolerance: the residual at which it stops earlier.
    """
    length = float(right.norm())
    x, r = torch.zeros_like(right), right
    if length == 0:
        return Solution(x, 0.0, 0)
    p = r
    a_r = a_p = product(r)
    r_a_r = torch.dot(r, a_r)
    relative, done = 1.0, 1
    while True:
        share = r_a_r / torch.dot(a_p, a_p)
        x, r = x + share * p, r - share * a_p
        relative = float(r.norm()) / length
        if done >= steps or not relative > tolerance:
            return Solution(x, relative, done)
        a_r, before = product(r), r_a_r
        r_a_r = torch.dot(r, a_r)
        p, a_p = r + r_a_r / before * p, a_r + r_a_r / before * a_p
        done += 1
