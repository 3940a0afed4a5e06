"""images.pt, labels.pt and lr.pt of DATM, PAD, EDF: learned soft labels and a learned rate.

distill.py of NUS-HPC-AI-Lab/DATM saves them as `images_best.pt` etc. in the folder `Normal`.
"""

from __future__ import annotations

from ..importing.importer import ImportedSet, Importer
from ..importing.source import Source
from ._beside import beside, has_soft_labels, images_file, read_beside


class TensorsWithRate(Importer):
    """A tensor of images, with a matrix of labels and a learning rate in files beside it."""

    def recognises(self, source: Source) -> int:
        file = images_file(source)
        if file is None or file.suffix == ".npy" or beside(file, "lr") is None:
            return 0
        return 2 if has_soft_labels(file) else 0

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        file = images_file(source)
        assert file is not None  # it has been recognised
        return read_beside(source, file)
