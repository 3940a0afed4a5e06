"""res_*.pt as DC's code writes it: pairs of images and class ids under one key."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ...store.files import replacing
from ..distilled_set import DistilledSet
from ..exporting.exporter import Exporter


class ResultDictionary(Exporter):
    """A single pair, without accuracies."""

    suffix = ".pt"

    def write(
        self, distilled: DistilledSet, pixels: NDArray[np.uint8] | None, target: Path
    ) -> None:
        content = {"data": [[distilled.images, distilled.labels]], "accs_all_exps": {}}
        with replacing(target) as file:
            torch.save(content, file)
