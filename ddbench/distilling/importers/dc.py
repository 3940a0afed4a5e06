"""res_*.pt of DC, DSA, DM, DataDAM, IDM, CAFE: sets and recorded accuracies in one dictionary.

`{'data': [[images, labels], ...], 'accs_all_exps': {network: [...]}}`, as main.py of
VICO-UoE/DatasetCondensation saves it; DataDAM's release has one pair without the outer list.
"""

from __future__ import annotations

import torch

from ..importing.importer import ImportedSet, Importer
from ..importing.source import Source
from ._result_file import ACCURACIES, entries, read_entry


class ResultFile(Importer):
    """Images and class ids, with several sets in one file."""

    def recognises(self, source: Source) -> int:
        if "data" not in source.table:
            return 0
        return 3 if ACCURACIES in source.table else 2

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        made = read_entry(source, which)
        if len(entries(source)) > 1 and _same(entries(source)):
            made.notes.append("its sets are all the same")
        return made


def _same(pairs: list[object]) -> bool:
    """Whether all pairs have the same images."""
    images = [pair[0] for pair in pairs if isinstance(pair, list) and pair]
    tensors = [one for one in images if isinstance(one, torch.Tensor)]
    return len(tensors) == len(pairs) and all(torch.equal(tensors[0], one) for one in tensors)
