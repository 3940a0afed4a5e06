"""gap*_best.pt of APM: images and a teacher's logits in one dictionary.

`{'data': [images, logits], ...}`: one pair, without the outer list of DC's files.
"""

from __future__ import annotations

from typing import Any

from ..importing.importer import ImportedSet, Importer
from ..importing.source import Source
from ._result_file import read_entry


class ImagesAndLogits(Importer):
    """Images and soft labels under one key."""

    def recognises(self, source: Source) -> int:
        data: Any = source.table.get("data")
        flat = isinstance(data, list) and len(data) == 2
        return 4 if flat and getattr(data[1], "ndim", 0) == 2 else 0

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        return read_entry(source, which)
