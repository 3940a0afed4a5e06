"""Fit an input space to training images; `input_space.py` has the formulas."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..errors import UserError
from .eigenbasis import eigenbasis_of_covariance, eigenbasis_of_rows, has_few_rows
from .input_space import InputSpace, input_space_definition
from .low_rank import fit_low_rank
from .per_image import fit_per_image
from .pixels import PartedImages, Pixels, evenly_spaced
from .statistics import per_channel

SAMPLED_BYTES = 2**30
"""With published statistics, `pixel_std` of more pixel values than this comes from a sample."""
SAMPLE = 8192
"""Images in that sample: evenly spaced, including the first and the last."""

_CHUNK = 1024


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
        mean: published mean of each channel in [0, 1], or None to compute it. Used only by
            `normalised`; the whitenings are defined with the images' own statistics.
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
    if "mean" in definition:
        mean, std = per_channel((definition["mean"], definition["std"]), pixels.shape[1])
    is_normalised = definition["name"] == "normalised"
    published = is_normalised and mean is not None and std is not None
    if published and pixels.numel() > SAMPLED_BYTES:
        # Only pixel_std, the scale of the images in this space, still depends on the pixels.
        pixels = pixels.index_select(0, evenly_spaced(len(pixels), SAMPLE).to(pixels.device))
    own_mean, own_std = _channel_moments(pixels)
    if is_normalised:
        space_mean = own_mean if mean is None else own_mean.new_tensor(mean)
        space_std = own_std if std is None else own_std.new_tensor(std)
        _check_contrast(name, space_std)
        return InputSpace(
            name, space_mean.float(), space_std.float(), (own_std / space_std).float()
        )
    if name == "zca_per_image":
        return InputSpace(name, **fit_per_image(pixels, own_mean.mean(), definition["eps"]))
    if "rank" in definition:
        tensors = fit_low_rank(pixels, definition["eps"], definition["rank"])
        return InputSpace(name, **tensors)
    if name == "zca":
        own_mean, own_std = torch.zeros_like(own_mean), torch.ones_like(own_std)
    _check_contrast(name, own_std)
    return _fit_whitening(name, pixels, own_mean, own_std, definition["eps"])


def _fit_whitening(name: str, pixels: Pixels, mean: Tensor, std: Tensor, eps: float) -> InputSpace:
    """Fit `zca` or `zca_relative`; the formulas are at the top of `input_space.py`."""
    count, shape = len(pixels), pixels.shape[1:]
    features = pixels.numel() // count
    per_pixel_std = std.view(-1, 1, 1).expand(shape).flatten()
    sampled = count / (count - 1) if name == "zca" else 1.0
    if has_few_rows(count, features):
        rows = torch.cat([chunk.flatten(1).double() for chunk in pixels.split(_CHUNK)]) / 255
        image_mean = rows.mean(dim=0)
        rows = (rows - image_mean) / per_pixel_std
        trace = float(rows.square().sum()) / count
        found = eigenbasis_of_rows(rows).times(sampled)
        del rows
    else:
        image_mean, covariance = _image_moments(pixels)
        covariance /= torch.outer(per_pixel_std, per_pixel_std)
        trace = float(covariance.trace())
        covariance *= sampled
        found = eigenbasis_of_covariance(covariance)
        del covariance
    if name == "zca_relative":
        eps *= trace / features
    variance = found.whitened_variance(eps) / sampled
    tensors = {
        "mean": mean,
        "std": std,
        "pixel_std": variance.view(shape).mean(dim=(1, 2)).sqrt(),
        "centre": (image_mean.view(shape) - mean.view(-1, 1, 1)) / std.view(-1, 1, 1),
        **found.whitening(eps),
    }
    return InputSpace(name, **{key: tensor.float() for key, tensor in tensors.items()})


def _channel_moments(pixels: Pixels) -> tuple[Tensor, Tensor]:
    """Mean and population std of each channel in [0, 1], float64, (C,); from exact integer sums."""
    total = torch.zeros(pixels.shape[1], dtype=torch.int64, device=pixels.device)
    squares = torch.zeros_like(total)
    for chunk in pixels.split(_CHUNK):
        total += chunk.sum(dim=(0, 2, 3), dtype=torch.int64)
        squares += chunk.int().square().sum(dim=(0, 2, 3), dtype=torch.int64)
    count = pixels.numel() // pixels.shape[1]
    mean = total.double() / count
    variance = (squares.double() / count - mean.square()).clamp(min=0)
    return mean / 255, variance.sqrt() / 255


def _image_moments(pixels: Pixels) -> tuple[Tensor, Tensor]:
    """Mean image (CHW,) and covariance Xc'Xc / n (CHW, CHW) of pixels in [0, 1], float64.

    Products of integers of magnitude at most 128 are summed exactly in float32 over up to 1,024
    images (128^2 * 1,024 = 2^24), at twice the speed of float64; the chunks are then summed in
    float64. So the covariance is exact on every device and with any number of threads.
    """
    features = pixels.numel() // len(pixels)
    gram = torch.zeros(features, features, dtype=torch.float64, device=pixels.device)
    total = torch.zeros(features, dtype=torch.float64, device=pixels.device)
    for chunk in pixels.split(_CHUNK):
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
