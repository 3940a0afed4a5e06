"""Two arrays of NumPy, images and labels: in one .npz file, or in two .npy files."""

from __future__ import annotations

from ...errors import UserError
from ..importing.importer import ImportedSet, Importer, first_of
from ..importing.source import Source
from ._beside import images_file, read_beside
from ._table import IMAGES, read_table


class NumpyPair(Importer):
    """Arrays under their usual names."""

    def recognises(self, source: Source) -> int:
        if source.kind == "npz":
            return 1 if first_of(source.table, *IMAGES) is not None else 0
        file = images_file(source)
        return 1 if file is not None and file.suffix == ".npy" else 0

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        if source.kind == "npz":
            return read_table(source.table, str(source))
        file = images_file(source)
        if file is None:
            raise UserError(f"{source} holds no array of images")
        return read_beside(source, file)
