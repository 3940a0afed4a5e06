"""Cheap checks of an imported set. They warn and never decide."""

from __future__ import annotations

import re

import torch
from torch import Tensor

from ...data.statistics import STATISTICS, per_channel

PICTURE = (0.55, "neighbouring pixels are as alike as in pictures that were never whitened")
WHITENED = (0.40, "neighbouring pixels are as little alike as after a whitening, or in noise")
MAX_IMAGES = 512
MAX_SPAN = 12.0
"""Values beyond this many standard deviations of the pixels are reported."""


def neighbours_correlation(images: Tensor) -> float:
    """Correlation of neighbouring pixels in (N, C, H, W), within each channel of each image.

    .65 to .89 in sets of raw or normalised CIFAR pixels, .43 to .53 after ZCA, and less in noise:
    a set that was initialised with noise may have less than a whitened one.
    """
    values = images[:MAX_IMAGES].float()
    values = values - values.mean(dim=(2, 3), keepdim=True)
    scale = values.square().mean().clamp(min=1e-12)
    right = (values[..., 1:] * values[..., :-1]).mean()
    down = (values[..., 1:, :] * values[..., :-1, :]).mean()
    return float((right + down) / 2 / scale)


def pixel_warnings(images: Tensor, space: str) -> list[str]:
    """Warnings about values that do not look like the given input space.

    Args:
        images: (N, C, H, W) as stored.
        space: as in `ImportChoice.input_space`.
    """
    low, high = float(images.min()), float(images.max())
    alike = neighbours_correlation(images)
    found = []
    if space == "pixels" and not -0.2 <= low <= high <= 1.2:
        found.append(f"values from {low:.2f} to {high:.2f} are not pixels in [0, 1]")
    if space == "pixels255" and (high <= 1.5 or not -20 <= low <= high <= 275):
        found.append(f"values from {low:.2f} to {high:.2f} are not pixels in [0, 255]")
    if space.startswith("normalised") and 0 <= low <= high <= 1:
        found.append(
            f"values from {low:.2f} to {high:.2f} look like pixels that were not normalised"
        )
    if space.startswith("zca") and alike > PICTURE[0]:
        found.append(f"{PICTURE[1]} (correlation {alike:.2f}), but the space is said to be {space}")
    if not space.startswith("zca") and alike < WHITENED[0]:
        found.append(
            f"{WHITENED[1]} (correlation {alike:.2f}), but the space is said to be {space}"
        )
    spread = float(images.float().std())
    if spread and max(abs(low), abs(high)) > MAX_SPAN * max(spread, 1):
        found.append(f"single values of {low:.1f} to {high:.1f} lie far from the rest")
    return found


def label_warnings(ids: Tensor, classes: int, soft: Tensor | None) -> list[str]:
    """Warnings about class ids, and about soft labels that disagree with them."""
    counts = torch.bincount(ids, minlength=classes)
    found = []
    absent = int((counts == 0).sum())
    if absent:
        found.append(f"{absent} of {classes} classes have no image")
    elif counts.min() != counts.max():
        found.append(f"classes have {int(counts.min())} to {int(counts.max())} images, not alike")
    if not torch.equal(ids, ids.sort().values):
        found.append("class ids do not come in blocks, one class after another")
    if soft is not None and soft.shape[1] == classes:
        other = int((soft.argmax(1) != ids).sum())
        if other:
            found.append(f"the largest soft label is another class than the id in {other} images")
    return found


def name_warnings(name: str, images: Tensor, dataset: str | None) -> list[str]:
    """Warnings where a file's name disagrees with its content."""
    found = []
    said = re.search(r"cifar[_-]?(100|10)(?!\d)", name.lower())
    if said and images.shape[2] != 32:
        found.append(f"the name says {said[0]}, but images are {tuple(images.shape[1:])}")
    if said and dataset and said[0].replace("_", "").replace("-", "") != dataset:
        found.append(f"the name says {said[0]}, not {dataset}")
    if "zca" in name.lower() and "no_zca" not in name.lower() and "nozca" not in name.lower():
        found.append("the name says ZCA, but not which of the three whitenings")
    return found


def plausible_spaces(images: Tensor) -> list[str]:
    """The input spaces without whitening that the values may belong to, the likeliest first."""
    low, high = float(images.min()), float(images.max())
    if images.dtype == torch.uint8 or (high > 30 and low > -30):
        return ["pixels255"]
    names = ["pixels"] if -0.5 <= low <= high <= 1.5 else []
    channels = images.shape[1]
    fitting = [n for n, (mean, _) in STATISTICS.items() if n == "half" or len(mean) == channels]
    return names + [f"normalised:{name}" for name in fitting if name != "pixels"]


def pixels_under(images: Tensor, space: str) -> Tensor:
    """The pixels, in [0, 1], if the images are in the given space, which must not whiten."""
    if space == "pixels255":
        return (images.float() / 255).clamp(0, 1)
    if space == "pixels":
        return images.float().clamp(0, 1)
    mean, std = per_channel(STATISTICS[space.partition(":")[2]], images.shape[1])
    scale, shift = (torch.tensor(part).view(-1, 1, 1) for part in (std, mean))
    return (images.float() * scale + shift).clamp(0, 1)
