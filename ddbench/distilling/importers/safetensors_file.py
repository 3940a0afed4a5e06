"""Safetensors: ddbench's own sets, or any file with tensors `images` and `labels`."""

from __future__ import annotations

from typing import Any

from ...errors import UserError, shortened
from ..distilled_set import DistilledSet
from ..importing.importer import ImportedSet, Importer
from ..importing.source import Source
from ._table import BESIDE, IMAGES, LABELS, read_table

OWN_HEADER = "ddbench"


class SafetensorsFile(Importer):
    """Named tensors; the format cannot hold code."""

    def recognises(self, source: Source) -> int:
        return 2 if source.kind == "safetensors" else 0

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        from safetensors import SafetensorError, safe_open

        assert source.path is not None
        tensors: dict[str, Any] = {}
        try:
            with safe_open(source.path, framework="pt") as file:
                if OWN_HEADER in (file.metadata() or {}):
                    made = DistilledSet.load(source.path)
                    return ImportedSet(made.images, made.labels, finished=made)
                wanted = {*IMAGES, *LABELS, *BESIDE}
                tensors = {n: file.get_tensor(n) for n in file.keys() if n in wanted}
        except (SafetensorError, OSError, RecursionError) as error:
            raise UserError(
                f"{source} cannot be read as safetensors: {shortened(str(error))}"
            ) from error
        return read_table(tensors, str(source))
