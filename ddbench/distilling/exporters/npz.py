"""One .npz file: images, labels, and soft labels and a learning rate if there are any."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...store.files import replacing
from ..distilled_set import DistilledSet
from ..exporting.exporter import ALL, Exporter
from ._tables import plain_table


class NumpyArchive(Exporter):
    """Named arrays."""

    keeps = ALL
    suffix = ".npz"

    def write(
        self, distilled: DistilledSet, pixels: NDArray[np.uint8] | None, target: Path
    ) -> None:
        arrays = {name: value.numpy() for name, value in plain_table(distilled).items()}
        with replacing(target) as file:
            np.savez(file, **arrays)  # type: ignore[arg-type]
