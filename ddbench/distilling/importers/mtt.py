"""images_*.pt of MTT, TESLA, FTD: one bare tensor, its labels in a file beside it.

As distill.py of GeorgeCazenavette/mtt-distillation saves them. The learned rate is in none of
these releases (SeqMatch has `best_lr.pt`). `images_zca_*` are pictures, `images_*` the set.
"""

from __future__ import annotations

from ..importing.importer import ImportedSet, Importer
from ..importing.source import Source
from ._beside import images_file, read_beside


class BareTensors(Importer):
    """A tensor of images, and beside it labels and perhaps a rate."""

    def recognises(self, source: Source) -> int:
        file = images_file(source)
        return 1 if file is not None and file.suffix != ".npy" else 0

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        file = images_file(source)
        assert file is not None  # it has been recognised
        return read_beside(source, file)
