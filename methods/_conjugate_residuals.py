"""Conjugate residuals for linear systems with a symmetric positive definite matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor


class Solution(NamedTuple):
    """Result of the iteration.

    Attributes:
        vector: x.
        residual: || b - A x || / || b ||; 0 where b is 0.
        steps: number of products with A.
    """

    vector: Tensor
    residual: float
    steps: int


def solved(
    product: Callable[[Tensor], Tensor], right: Tensor, steps: int, tolerance: float
) -> Solution:
    """Solve A x = b from x = 0, with one product with A per step.

    x has the smallest residual of all vectors that this many products can reach, so the residual
    falls in every step and is at most 1: E. Stiefel, "Relaxationsmethoden bester Strategie zur
    Lösung linearer Gleichungssysteme" (1955).

    Args:
        product: maps a vector v to A v.
        right: b.
        steps: maximum number of steps.
        tolerance: the residual at which it stops early.
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
