"""A folder as MTT's code writes it: images_best.pt, labels_best.pt; and lr_best.pt as DATM adds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ...store.files import replacing
from ..distilled_set import DistilledSet
from ..exporting.exporter import Exporter


class TensorsBeside(Exporter):
    """Bare tensors; soft labels take the place of class ids."""

    keeps = frozenset({"soft_labels", "learned_rate"})

    def write(
        self, distilled: DistilledSet, pixels: NDArray[np.uint8] | None, target: Path
    ) -> None:
        soft, rate = distilled.soft_labels, distilled.learned_rate
        tensors = {"images": distilled.images, "labels": distilled.labels if soft is None else soft}
        if rate is not None:
            tensors["lr"] = torch.tensor(rate, dtype=torch.float64)
        for name, value in tensors.items():
            with replacing(target / f"{name}_best.pt") as file:
                torch.save(value.contiguous(), file)
