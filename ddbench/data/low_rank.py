"""A whitening whose memory is linear, not quadratic, in the pixels of an image.

The formula is at the top of `input_space.py`, which calls this.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .pixels import Pixels

OVERSAMPLED = 10
"""Extra directions that are iterated beyond the rank and dropped at the end."""
MATRICES = 4
"""Least number of float64 matrices (CHW, rank + OVERSAMPLED) that fitting holds at once."""

_ITERATIONS = 4
_SEED = 0
_CHUNK_VALUES = 2**24


def fit_low_rank(pixels: Pixels, eps: float, rank: int) -> dict[str, Tensor]:
    """The tensors of the fitted space, by their names in `InputSpace`.

    The leading eigenvectors of the covariance are found by subspace iteration from random
    directions, in passes over the images (N. Halko, P. G. Martinsson, J. A. Tropp, "Finding
    structure with randomness", SIAM Review 53, 2011, algorithms 4.4 and 5.3).

    Args:
        pixels: the training images, uint8, (N, C, H, W), at least 2.
        eps: absolute regularisation.
        rank: number of eigenvectors, or all of them if there are fewer.
    """
    count, shape = len(pixels), tuple(pixels.shape[1:])
    features = pixels.numel() // count
    rank = min(rank, features, count - 1)
    width = min(rank + OVERSAMPLED, features)
    mean, variance = _pixel_moments(pixels)
    random = torch.Generator().manual_seed(_SEED)
    start = torch.randn(features, width, generator=random)
    directions = torch.linalg.qr(start.double().to(pixels.device)).Q
    for _ in range(_ITERATIONS):
        directions = torch.linalg.qr(_covariance_times(directions, pixels, mean)).Q
    small = directions.T @ _covariance_times(directions, pixels, mean)
    values, vectors = torch.linalg.eigh((small + small.T) / 2)
    basis, values = directions @ vectors[:, -rank:], values[-rank:].clamp(min=0)
    sampled = values * (count / (count - 1))  # eigenvalues of Xc'Xc / (n-1)
    # The part of a pixel's variance inside the basis is whitened; the rest is divided by eps.
    inside = basis.square()
    rest = (variance - inside @ values).clamp(min=0)
    whitened = (inside @ (values / (sampled + eps)) + rest / eps).view(shape)
    tensors = {
        "mean": values.new_zeros(shape[0]),
        "std": values.new_ones(shape[0]),
        "pixel_std": whitened.mean(dim=(1, 2)).sqrt(),
        "centre": mean.view(shape),
        "basis": basis,
        "gains": (sampled + eps).rsqrt(),
    }
    return {name: value.float().contiguous() for name, value in tensors.items()}


def scaled_along(flat: Tensor, basis: Tensor, gains: Tensor, rest: float | Tensor) -> Tensor:
    """Flat images with each direction of a basis scaled by its own factor, and others by `rest`.

    Args:
        flat: (N, CHW).
        basis: orthonormal columns (CHW, rank).
        gains: their factors (rank,).
        rest: factor of all directions that are orthogonal to the basis.
    """
    return rest * flat + ((flat @ basis) * (gains - rest)) @ basis.T


def _chunk(pixels: Pixels) -> int:
    """Images per chunk, so that a chunk takes the same memory whatever the image size."""
    return max(1, _CHUNK_VALUES * len(pixels) // pixels.numel())


def _pixel_moments(pixels: Pixels) -> tuple[Tensor, Tensor]:
    """Mean and population variance of each value in [0, 1], float64, (CHW,); from exact sums."""
    features = pixels.numel() // len(pixels)
    total = torch.zeros(features, dtype=torch.int64, device=pixels.device)
    squares = torch.zeros_like(total)
    for chunk in pixels.split(_chunk(pixels)):
        flat = chunk.flatten(1).int()
        total += flat.sum(dim=0)
        squares += flat.square().sum(dim=0)
    mean = total.double() / len(pixels)
    variance = (squares.double() / len(pixels) - mean.square()).clamp(min=0)
    return mean / 255, variance / 255**2


def _covariance_times(directions: Tensor, pixels: Pixels, mean: Tensor) -> Tensor:
    """Xc'Xc / n times directions (CHW, width), summed in float64, a chunk of images at a time."""
    result = torch.zeros_like(directions)
    single, mean = directions.float(), mean.float()
    for chunk in pixels.split(_chunk(pixels)):
        centred = (chunk.flatten(1).float() / 255).sub_(mean)
        result += centred.T @ (centred @ single)
    return result.div_(len(pixels))
