"""One split rule for data sets that are published without a test split."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..source import Split


def every_fifth(labels: NDArray[np.int64], split: Split) -> NDArray[np.int64]:
    """Indices of a stratified 4:1 split, ascending.

    The images are sorted by class, each class in its published order, and every fifth one,
    starting with the first, is a test image. No random number is drawn, so the split does not
    depend on library versions, and every class has a fifth of its images in the test split (to
    within one image).

    Args:
        labels: class ids of all images, (N,).
        split: which part.

    Returns:
        Indices into `labels`: ceil(N / 5) for the test split, the others for training.
    """
    by_class = np.argsort(labels, kind="stable")
    in_test = np.zeros(len(labels), dtype=bool)
    in_test[by_class[::5]] = True
    return np.flatnonzero(in_test if split == "test" else ~in_test).astype(np.int64)
