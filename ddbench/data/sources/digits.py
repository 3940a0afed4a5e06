"""Real handwritten digits from scikit-learn, 8x8 grey, 10 classes; nothing to download.

1,797 digits by 13 writers: the test split of the UCI set "Optical Recognition of Handwritten
Digits" (E. Alpaydin and C. Kaynak, 1998), as `sklearn.datasets.load_digits` returns it. The split
used here does not separate writers, so accuracies are higher than on that of the UCI set.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..source import DatasetSource, Split
from ._fixed_split import every_fifth
from ._packaged_table import packaged_table


class Digits(DatasetSource):
    """1,437 training and 360 test images; ink levels 0..16 become pixels 0..255."""

    version = 1
    title = "Digits"
    channels = 1
    resolution = 8
    class_names = tuple("0123456789")
    train_size = 1_437
    test_size = 360

    def check(self) -> None:
        """Nothing can be missing: the images are part of scikit-learn."""

    def load(self, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (N, 1, 8, 8) and digits (N,), in scikit-learn's order."""
        table = packaged_table("sklearn", "datasets/data/digits.csv.gz")
        if table is None:
            from sklearn.datasets import load_digits

            table = np.column_stack(load_digits(return_X_y=True)).astype(np.int64)
        ink, labels = table[:, :-1], table[:, -1]
        images = np.round(ink * 255 / 16).astype(np.uint8).reshape(-1, 1, 8, 8)
        chosen = every_fifth(labels, split)
        return images[chosen], labels[chosen]
