"""checkpoint_* of RCIG and RFAD: a flax checkpoint whose running average is the set.

yolky/RCIG, `distilled_images_final/`: `ema_average/{x_proto, y_proto}`; the last iterate is in
`params`.
"""

from __future__ import annotations

from ..importing.importer import ImportedSet, Importer
from ..importing.source import Source
from ._prototypes import checkpoint, part, read_prototypes

AVERAGE = "ema_average"


class AveragedPrototypes(Importer):
    """Images and centred targets, averaged over iterations."""

    def recognises(self, source: Source) -> int:
        return 3 if part(checkpoint(source), AVERAGE) else 0

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        return read_prototypes(checkpoint(source), AVERAGE)
