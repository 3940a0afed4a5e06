"""A dictionary of tensors, `images` and `labels`, in one file of torch.save."""

from __future__ import annotations

from ..importing.importer import ImportedSet, Importer
from ..importing.source import Source
from ._table import read_table


class TorchTable(Importer):
    """Tensors named `images` and `labels`."""

    def recognises(self, source: Source) -> int:
        named = {"images", "labels"} <= source.table.keys()
        return 1 if named and source.kind == "torch" else 0

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        return read_table(source.table, str(source))
