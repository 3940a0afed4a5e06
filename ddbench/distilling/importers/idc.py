"""data.pt of IDC, DREAM, DANCE, NCFM: a list of images in [0, 1] and class ids, cut by a decoder.

condense.py of snu-mllab/Efficient-Dataset-Condensation saves it. Only the folder's name gives the
decoder's factor (`_factor2_`).
"""

from __future__ import annotations

import re

from ..importing.importer import ImportedSet, Importer, images_of, labels_of
from ..importing.source import Source


class TiledImages(Importer):
    """A bare list of images and labels, not in a dictionary."""

    def recognises(self, source: Source) -> int:
        dimensions = [getattr(part, "ndim", 0) for part in source.sequence]
        return 2 if len(dimensions) == 2 and dimensions[0] == 4 else 0

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        images = images_of(source.sequence[0], f"{source}: the images")
        made = ImportedSet(images, labels_of(source.sequence[1], len(images), f"{source}: the ids"))
        places = "" if source.path is None else source.path.absolute().as_posix()
        factors = re.findall(r"_?factor(\d)", places)
        made.tiles = int(factors[-1]) if factors and factors[-1] != "0" else None
        return made
