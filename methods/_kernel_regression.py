"""Kernel ridge regression from features of distilled images to learned targets.

With features Phi_s (n, F) of the distilled images and their targets Y (n, classes), the last layer
that fits them best is W = Phi_s' w, where

    w = (Phi_s Phi_s' + r I)^-1 Y

and it predicts Phi_t W for images with features Phi_t. T. Nguyen, Z. Chen, J. Lee, "Dataset
meta-learning from kernel ridge-regression" (ICLR 2021), equation 7.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def centred(class_ids: Tensor, classes: int) -> Tensor:
    """Targets (n, classes) of class ids (n,): 1 - 1/classes at the class, -1/classes elsewhere."""
    return F.one_hot(class_ids, classes).float() - 1 / classes


class RidgeSolver:
    """(Phi Phi' + r I)^-1, factorised once by Cholesky in float64.

    In float32 a kernel's rounding error is about as large as the small ridges added here, and it
    may appear to have negative eigenvalues.

    Args:
        features: Phi (n, F) float64; not differentiated through.
        ridge: r, likewise.

    Raises:
        FloatingPointError: when the kernel is singular or not finite.
    """

    def __init__(self, features: Tensor, ridge: Tensor) -> None:
        with torch.no_grad():
            kernel = features @ features.T
            kernel.diagonal().add_(ridge)
            self.factor, failed = torch.linalg.cholesky_ex(kernel)
            if int(failed) or not bool(self.factor.diagonal().isfinite().all()):
                raise FloatingPointError(
                    f"the kernel of {len(features)} distilled images is singular at ridge "
                    f"{float(ridge):.3g}; a larger method.ridge or a smaller rate may help"
                )

    def __call__(self, targets: Tensor) -> Tensor:
        """(Phi Phi' + r I)^-1 times targets (n, k) float64; differentiable in the targets alone."""
        return torch.cholesky_solve(targets, self.factor)


def ridge_weights(
    features: Tensor, targets: Tensor, ridge: Tensor, solver: RidgeSolver | None = None
) -> Tensor:
    """w (n, classes), differentiable once in all arguments at the cost of a few products.

    w0 is solved for without a graph, and one step of iterative refinement is added to it,

        w = w0 + K^-1 (Y - Phi (Phi' w0) - r w0),

    with K^-1 constant. The derivative of w is K^-1 (dY - dK w0), that of the exact solution, so
    the graph includes neither the factorisation nor an n x n matrix.

    Args:
        features: Phi (n, F) float64.
        targets: Y (n, classes) float64.
        ridge: r, a scalar.
        solver: an existing one for the same features and ridge, if any.

    Raises:
        FloatingPointError: when the kernel is singular or not finite.
    """
    solver = solver or RidgeSolver(features, ridge)
    first = solver(targets.detach())
    residual = targets - features @ (features.T @ first) - ridge * first
    return first + solver(residual)


def mean_margin(targets: Tensor, limit: float) -> Tensor:
    """Mean over images of min(largest - second largest target, limit), for targets (n, classes)."""
    top = targets.topk(2, dim=1).values
    return (top[:, 0] - top[:, 1]).clamp(max=limit).mean()
