"""Fitting input spaces to training images; what they are is told in `input_space`."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import UserError
from .input_space import CHUNK, InputSpace, check_memory, input_space_definition
from .pixels import PartedImages, Pixels, evenly_spaced

SAMPLED_BYTES = 2**30
"""With published statistics `pixel_std` of more pixels than this comes from a sample of them."""
SAMPLE = 8192
"""Its size: evenly spaced images, among them the first and the last."""

_OVERSAMPLED = 10
_ITERATIONS = 4
_SEED = 0


def fit_input_space(
    name: str,
    images: Pixels | NDArray[np.uint8],
    mean: tuple[float, ...] | None,
    std: tuple[float, ...] | None,
) -> InputSpace:
    """Fit an input space to the training images, on their device.

    Args:
        name: one of `INPUT_SPACES`.
        images: the training images, uint8, (N, C, H, W).
        mean: published mean of each channel in [0, 1], or None to compute it. Used by
            `normalised` alone; the whitenings are defined with the images' own statistics.
        std: published standard deviation of each channel, likewise.

    Raises:
        UserError: for an unknown name, too few images, or a channel without any contrast.
    """
    definition = input_space_definition(name)
    pixels = images if isinstance(images, PartedImages) else torch.as_tensor(images)
    if pixels.dtype not in (torch.uint8, PartedImages.dtype) or pixels.ndim != 4:
        raise TypeError(f"images must be uint8 (N, C, H, W), not {pixels.dtype} {pixels.shape}")
    if len(pixels) < 2:
        raise UserError(f"the input space {name!r} cannot be fitted to {len(pixels)} images")
    published = name == "normalised" and mean is not None and std is not None
    if published and pixels.numel() > SAMPLED_BYTES:
        # Only pixel_std, the scale of the images in this space, still depends on the pixels.
        pixels = pixels.index_select(0, evenly_spaced(len(pixels), SAMPLE).to(pixels.device))
    own_mean, own_std = _channel_moments(pixels)
    if name == "normalised":
        space_mean = own_mean if mean is None else own_mean.new_tensor(mean)
        space_std = own_std if std is None else own_std.new_tensor(std)
        _check_contrast(name, space_std)
        return InputSpace(
            name, space_mean.float(), space_std.float(), (own_std / space_std).float()
        )
    if name != "zca_relative":
        own_mean, own_std = torch.zeros_like(own_mean), torch.ones_like(own_std)
    _check_contrast(name, own_std)
    if "rank" in definition:
        return _fit_low_rank(name, pixels, definition["eps"], definition["rank"])
    check_memory(name, pixels.shape[1], pixels.shape[2])
    return _fit_whitening(name, pixels, own_mean, own_std, definition["eps"])


def _fit_whitening(name: str, pixels: Pixels, mean: Tensor, std: Tensor, eps: float) -> InputSpace:
    """Fit `zca` or `zca_relative`; the formulas are at the head of this module."""
    count, shape = len(pixels), pixels.shape[1:]
    image_mean, covariance = _image_moments(pixels)
    per_pixel_std = std.view(-1, 1, 1).expand(shape).flatten()
    centre = (image_mean.view(shape) - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)
    covariance /= torch.outer(per_pixel_std, per_pixel_std)
    if name == "zca":
        covariance *= count / (count - 1)
    else:
        eps *= float(covariance.trace()) / len(covariance)
    values, vectors = torch.linalg.eigh(covariance)
    del covariance
    values = values.clamp(min=0)  # rounding makes the zero ones slightly negative
    root = (values + eps).sqrt()
    # The variance of coordinate i after whitening is sum_j U_ij^2 S_j / (S_j + eps).
    variance = vectors.square() @ (values / (values + eps))
    if name == "zca":
        variance *= (count - 1) / count
    return InputSpace(
        name,
        mean.float(),
        std.float(),
        variance.view(shape).mean(dim=(1, 2)).sqrt().float(),
        centre.float(),
        ((vectors / root) @ vectors.T).float(),
        ((vectors * root) @ vectors.T).float(),
    )


def _fit_low_rank(name: str, pixels: Pixels, eps: float, rank: int) -> InputSpace:
    """Fit `zca_low_rank` by a randomised SVD of the centred images.

    Subspace iteration from random directions (Halko, Martinsson and Tropp, SIAM Review 53, 2011,
    algorithms 4.4 and 5.1), in passes over the images, of which only a chunk is held as numbers:
    memory grows with the pixels, not with their square.
    """
    count, shape = len(pixels), pixels.shape[1:]
    features = pixels.numel() // count
    rank = min(rank, features, count - 1)
    width = min(rank + _OVERSAMPLED, features, count)
    mean, variance = _pixel_moments(pixels)
    random = torch.Generator().manual_seed(_SEED)
    directions = torch.randn(features, width, generator=random).to(pixels.device)
    for _ in range(_ITERATIONS):
        directions = torch.linalg.qr(_covariance_times(directions, pixels, mean)).Q.float()
    small = directions.double().T @ _covariance_times(directions, pixels, mean)
    values, vectors = torch.linalg.eigh((small + small.T) / 2)
    values = values[-rank:].clamp(min=0) * (count / (count - 1))
    basis = directions.double() @ vectors[:, -rank:]
    # As in `_fit_whitening`; what the basis leaves of a pixel's variance is scaled by 1 / eps.
    kept = basis.square() @ values * ((count - 1) / count)
    scaled = basis.square() @ (values / (values + eps)) * ((count - 1) / count)
    whitened = scaled + (variance - kept).clamp(min=0) / eps
    channels = torch.zeros(shape[0], device=pixels.device)
    return InputSpace(
        name,
        channels,
        channels + 1,
        whitened.view(shape).mean(dim=(1, 2)).sqrt().float(),
        mean.view(shape).float(),
        basis=basis.float(),
        gains=(values + eps).rsqrt().float(),
    )


def _pixel_moments(pixels: Pixels) -> tuple[Tensor, Tensor]:
    """Mean and variance of each pixel in [0, 1], float64, (CHW,); from exact integer sums."""
    features = pixels.numel() // len(pixels)
    total = torch.zeros(features, dtype=torch.int64, device=pixels.device)
    squares = torch.zeros_like(total)
    for chunk in pixels.split(CHUNK):
        flat = chunk.flatten(1).int()
        total += flat.sum(dim=0)
        squares += flat.square().sum(dim=0)
    mean = total.double() / len(pixels)
    variance = (squares.double() / len(pixels) - mean.square()).clamp(min=0)
    return mean / 255, variance / 255**2


def _covariance_times(directions: Tensor, pixels: Pixels, mean: Tensor) -> Tensor:
    """Xc'Xc / n times directions (CHW, width), in float64, a chunk of images at a time."""
    result = torch.zeros(directions.shape, dtype=torch.float64, device=directions.device)
    for chunk in pixels.split(CHUNK):
        centred = chunk.flatten(1).float() / 255 - mean.float()
        result += centred.T @ (centred @ directions)
    return result / len(pixels)


def _channel_moments(pixels: Pixels) -> tuple[Tensor, Tensor]:
    """Mean and population std of each channel in [0, 1], float64, (C,); from exact integer sums."""
    total = torch.zeros(pixels.shape[1], dtype=torch.int64, device=pixels.device)
    squares = torch.zeros_like(total)
    for chunk in pixels.split(CHUNK):
        total += chunk.sum(dim=(0, 2, 3), dtype=torch.int64)
        squares += chunk.int().square().sum(dim=(0, 2, 3), dtype=torch.int64)
    count = pixels.numel() // pixels.shape[1]
    mean = total.double() / count
    variance = (squares.double() / count - mean.square()).clamp(min=0)
    return mean / 255, variance.sqrt() / 255


def _image_moments(pixels: Pixels) -> tuple[Tensor, Tensor]:
    """Mean image (CHW,) and covariance Xc'Xc / n (CHW, CHW) of pixels in [0, 1], float64.

    Integers of at most 128 in size multiply and add exactly in float32 up to 1,024 images at a
    time (128^2 * 1,024 = 2^24), at twice the speed of float64; the chunks are then summed in
    float64. So the covariance is exact, whatever the device and the number of threads.
    """
    features = pixels.numel() // len(pixels)
    gram = torch.zeros(features, features, dtype=torch.float64, device=pixels.device)
    total = torch.zeros(features, dtype=torch.float64, device=pixels.device)
    for chunk in pixels.split(CHUNK):
        shifted = chunk.flatten(1).float() - 128
        total += shifted.sum(dim=0)
        gram += shifted.T @ shifted
    mean = total / len(pixels)
    gram /= len(pixels)
    gram -= torch.outer(mean, mean)
    return (mean + 128) / 255, gram.div_(255**2)


def _check_contrast(name: str, std: Tensor) -> None:
    if not bool((std > 0).all()):
        raise UserError(
            f"the input space {name!r} needs a positive standard deviation in every channel, "
            f"not {[round(value, 4) for value in std.tolist()]}"
        )
