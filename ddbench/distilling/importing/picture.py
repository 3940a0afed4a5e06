"""Images of a released set drawn as if in each plausible input space, for comparison."""

from __future__ import annotations

import numpy as np
from torch import Tensor

from ...figures import new_figure, png
from .checks import neighbours_correlation, pixels_under, plausible_spaces

MAX_IMAGES = 10
MAX_SPACES = 9


def spaces_png(images: Tensor, undone: dict[str, Tensor] | None = None) -> bytes:
    """A PNG file with one row per space; the right space is the row that looks like pictures.

    Args:
        images: (N, C, H, W) as stored.
        undone: pixels in [0, 1] of the first images for each inverted whitening, by its name.
    """
    shown = images[:: max(1, len(images) // MAX_IMAGES)][:MAX_IMAGES]
    rows = {name: pixels_under(shown, name) for name in plausible_spaces(images)[:MAX_SPACES]}
    rows["stretched"] = stretched(shown)
    for name, pixels in (undone or {}).items():
        rows[f"{name}, undone"] = pixels[:: max(1, len(pixels) // MAX_IMAGES)][:MAX_IMAGES]
    figure = new_figure(0.8 * len(shown) + 2.2, 0.85 * len(rows) + 0.5)
    figure.suptitle(
        f"correlation of neighbouring pixels {neighbours_correlation(images):.2f}", fontsize=8
    )
    axes = figure.subplots(len(rows), len(shown), squeeze=False)
    for axis in axes.flat:
        axis.set_xticks([])
        axis.set_yticks([])
    for row, (name, pixels) in zip(axes, rows.items(), strict=True):
        row[0].set_ylabel(
            name, rotation=0, ha="right", va="center", fontsize=7, rotation_mode="anchor"
        )
        for axis, image in zip(row, pixels.permute(0, 2, 3, 1).cpu().numpy(), strict=False):
            axis.imshow(np.squeeze(image), cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    return png(figure)


def stretched(images: Tensor) -> Tensor:
    """Each image with its 1st to 99th percentile stretched to [0, 1], the rest clamped."""
    flat = images.float().flatten(1)
    low = flat.quantile(0.01, dim=1).view(-1, 1, 1, 1)
    high = flat.quantile(0.99, dim=1).view(-1, 1, 1, 1)
    return ((images.float() - low) / (high - low).clamp(min=1e-6)).clamp(0, 1)
