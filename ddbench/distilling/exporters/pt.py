"""One file of torch.save: a dictionary of tensors, which torch.load reads with weights_only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ...store.files import replacing
from ..distilled_set import DistilledSet
from ..exporting.exporter import ALL, Exporter
from ._tables import plain_table


class TorchTable(Exporter):
    """Named tensors."""

    keeps = ALL
    suffix = ".pt"

    def write(
        self, distilled: DistilledSet, pixels: NDArray[np.uint8] | None, target: Path
    ) -> None:
        with replacing(target) as file:
            torch.save(plain_table(distilled), file)
