"""Pictures in class folders."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...store.files import replacing
from ..distilled_set import DistilledSet


def write_pictures(
    distilled: DistilledSet,
    pixels: NDArray[np.uint8],
    target: Path,
    folder_of: Callable[[int], str],
) -> None:
    """Write each image as a PNG file, numbered in the set's order, to the folder of its class."""
    from PIL import Image

    for number, (image, label) in enumerate(zip(pixels, distilled.labels.tolist(), strict=True)):
        grey = image.shape[2] == 1
        picture = Image.fromarray(image[:, :, 0] if grey else image)
        with replacing(target / folder_of(label) / f"{number:06d}.png") as file:
            picture.save(file, format="PNG")
