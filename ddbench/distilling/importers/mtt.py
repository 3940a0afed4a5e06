"""images_*.pt of MTT, TESLA, FTD: one bare tensor, its labels in a file beside it.

distill.py of GeorgeCazenavette/mtt-distillation saves them. None of these releases has the learned
rate (SeqMatch has `best_lr.pt`). `images_zca_*` are pictures for viewing, `images_*` is the set.
"""

from __future__ import annotations

from ..importing.importer import ImportedSet, Importer
from ..importing.source import Source
from ._beside import images_file, read_beside


class BareTensors(Importer):
    """A tensor of images, with labels and possibly a learning rate in files beside it."""

    def recognises(self, source: Source) -> int:
        file = images_file(source)
        return 1 if file is not None and file.suffix != ".npy" else 0

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        file = images_file(source)
        assert file is not None  # it has been recognised
        return read_beside(source, file)
