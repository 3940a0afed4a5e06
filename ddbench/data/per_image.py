"""The whitening of KIP and RaT-BPTT, for images that are each scaled to norm 1 first.

The formula is at the top of `input_space.py`, which calls this.
"""

from __future__ import annotations

import torch
from torch import Tensor

from .eigenbasis import eigenbasis_of_covariance, eigenbasis_of_rows, has_few_rows
from .pixels import Pixels

_CHUNK = 1024


def unit_images(images: Tensor) -> Tensor:
    """Images (N, C, H, W) minus their own mean, scaled to norm 1; a constant image becomes 0."""
    flat = images.flatten(1)
    centred = flat - flat.mean(1, keepdim=True)
    # The smallest norm above 0 is that of one pixel one level off, .0039; below that is rounding.
    length = centred.norm(dim=1, keepdim=True).clamp(min=1e-3)
    unit: Tensor = centred / length
    return unit.view_as(images)


def fit_per_image(pixels: Pixels, brightness: Tensor, eps: float) -> dict[str, Tensor]:
    """The tensors of the fitted space, by their names in `InputSpace`.

    Args:
        pixels: the training images, uint8, (N, C, H, W).
        brightness: mean of all their pixels in [0, 1]; in the inverse it replaces each image's own
            mean, as their mean norm replaces each image's own norm.
        eps: regularisation, as a fraction of the mean eigenvalue.
    """
    shape = tuple(pixels.shape[1:])
    features = pixels.numel() // len(pixels)
    few = has_few_rows(len(pixels), features)
    rows: list[Tensor] = []
    side = 0 if few else features
    gram = torch.zeros(side, side, dtype=torch.float64, device=pixels.device)
    total = torch.zeros(features, dtype=torch.float64, device=pixels.device)
    lengths = total.new_zeros(())
    for chunk in pixels.split(_CHUNK):
        scaled = chunk.double().flatten(1) / 255
        lengths += (scaled - scaled.mean(1, keepdim=True)).norm(dim=1).sum()
        unit = unit_images(scaled)
        total += unit.sum(dim=0)
        if few:
            rows.append(unit)
        else:
            gram += unit.T @ unit
    found = (
        eigenbasis_of_rows(torch.cat(rows)) if few else eigenbasis_of_covariance(gram / len(pixels))
    )
    eps *= float(found.values.sum()) / features
    square = found.whitened_variance(eps).view(shape).mean(dim=(1, 2))
    mean = found.whitened(total / len(pixels), eps).view(shape).mean(dim=(1, 2))
    tensors = {
        "mean": brightness.expand(shape[0]),
        "std": (lengths / len(pixels)).expand(shape[0]),
        "pixel_std": (square - mean.square()).clamp(min=0).sqrt(),
        "centre": total.new_zeros(shape),
        **found.whitening(eps),
    }
    return {name: value.float().contiguous() for name, value in tensors.items()}
