"""A folder that `datasets.load_dataset("imagefolder", data_dir=...)` reads, with its card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError
from ...store.files import write_bytes
from ..distilled_set import DistilledSet
from ..exporting.exporter import Exporter
from ._pictures import write_pictures

CARD = """\
---
task_categories: [image-classification]
tags: [dataset-distillation]
configs:
- config_name: default
  data_files:
  - split: train
    path: "*/*.png"
---
{count} distilled images of {dataset}, {classes} classes; each folder is a class.
"""


class ImageFolder(Exporter):
    """8-bit PNG files in folders named by class, and README.md."""

    is_pixels = True

    def write(
        self, distilled: DistilledSet, pixels: NDArray[np.uint8] | None, target: Path
    ) -> None:
        assert pixels is not None
        names = distilled.class_names
        strange = [name for name in names if "/" in name or name.startswith(".") or "\\" in name]
        if strange:
            raise UserError(f"the class {strange[0]!r} cannot be a folder's name; use --to folder")
        write_pictures(distilled, pixels, target, lambda label: names[label])
        card = CARD.format(count=len(distilled), dataset=distilled.dataset, classes=len(names))
        write_bytes(target / "README.md", card.encode())
