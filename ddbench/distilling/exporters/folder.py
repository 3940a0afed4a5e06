"""Class folders of pictures, named by class number as RDED names them: 00007/000071.png."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..distilled_set import DistilledSet
from ..exporting.exporter import Exporter
from ._pictures import write_pictures


class NumberedFolders(Exporter):
    """8-bit PNG files."""

    is_pixels = True

    def write(
        self, distilled: DistilledSet, pixels: NDArray[np.uint8] | None, target: Path
    ) -> None:
        assert pixels is not None
        write_pictures(distilled, pixels, target, lambda label: f"{label:05d}")
