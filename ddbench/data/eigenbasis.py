"""The eigendecomposition of a covariance, from the smaller one of its two matrices.

A covariance X'X / n of n rows with d values has at most n eigenvalues above 0. With few images the
(n, n) matrix XX' / n gives all of them, in less memory and time than the (d, d) covariance.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .low_rank import scaled_along

NEGLIGIBLE = 1e-10
"""Eigenvalues below this fraction of the largest count as 0 where eigenvectors are derived from
rows, since rounding dominates their eigenvectors."""


@dataclass(frozen=True)
class Eigenbasis:
    """Eigenvalues and eigenvectors of a covariance (d, d); those left out have the eigenvalue 0.

    Args:
        values: eigenvalues, at least 0, float64, (r,).
        vectors: orthonormal columns, float64, (d, r), with r at most d.
    """

    values: Tensor
    vectors: Tensor

    @property
    def is_complete(self) -> bool:
        """Whether every direction has its eigenvector."""
        return self.vectors.shape[0] == self.vectors.shape[1]

    def times(self, factor: float) -> Eigenbasis:
        """The eigenbasis of the covariance times a factor."""
        return replace(self, values=self.values * factor)

    def whitened_variance(self, eps: float) -> Tensor:
        """Mean square (d,) of each whitened value: sum_j U_ij^2 S_j / (S_j + eps)."""
        variance: Tensor = self.vectors.square() @ (self.values / (self.values + eps))
        return variance

    def whitened(self, values: Tensor, eps: float) -> Tensor:
        """Centred values (…, d) times the whitening."""
        return scaled_along(values, self.vectors, (self.values + eps).rsqrt(), eps**-0.5)

    def whitening(self, eps: float) -> dict[str, Tensor]:
        """U diag((S + eps)^-1/2) U' as tensors of `InputSpace`.

        Matrices (d, d) if every direction has its eigenvector. Otherwise the eigenvectors, their
        factors, and the factor eps^-1/2 of all directions that are orthogonal to them.
        """
        root = (self.values + eps).sqrt()
        if self.is_complete:
            return {
                "whitening": (self.vectors / root) @ self.vectors.T,
                "colouring": (self.vectors * root) @ self.vectors.T,
            }
        return {"basis": self.vectors, "gains": 1 / root, "rest": root.new_tensor(eps**-0.5)}


def has_few_rows(rows: int, columns: int) -> bool:
    """Whether `eigenbasis_of_rows` is the cheaper way, and a whitening by its result as well."""
    return 2 * rows <= columns


def eigenbasis_of_covariance(covariance: Tensor) -> Eigenbasis:
    """All eigenvectors of a covariance (d, d), float64."""
    values, vectors = torch.linalg.eigh(covariance)
    return Eigenbasis(values.clamp(min=0), vectors)  # rounding makes the zero ones negative


def eigenbasis_of_rows(rows: Tensor) -> Eigenbasis:
    """The eigenvectors of X'X / n whose eigenvalues are above 0.

    With XX' / n = W diag(S) W', they are U = X'W diag(n S)^-1/2.

    Args:
        rows: X, float64, (n, d).
    """
    count = len(rows)
    values, small = torch.linalg.eigh(rows @ rows.T / count)
    kept = values > NEGLIGIBLE * values[-1].clamp(min=0)
    values, small = values[kept], small[:, kept]
    return Eigenbasis(values, rows.T @ (small / (count * values).sqrt()))
