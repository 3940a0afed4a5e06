"""images.npy and labels.npy, or kip_*.npz: KIP's whitened images and regression targets.

DC-Benchmark has the two files; the archives of google-research/kip have `images` (N, H, W, C) and
`labels` (N, classes).
"""

from __future__ import annotations

from ..importing.importer import ImportedSet, Importer, images_of, labels_of
from ..importing.source import Source
from ._beside import has_soft_labels, images_file, read_beside


class ImagesAndTargets(Importer):
    """Arrays of images (channels last) and targets."""

    def recognises(self, source: Source) -> int:
        if source.kind == "npz":
            if not {"images", "labels"} <= source.table.keys():
                return 0
            is_soft = source.table["labels"].ndim == 2
            return 2 if is_soft and _channels_last(source.table["images"].shape) else 0
        file = images_file(source)
        if file is None or file.suffix != ".npy" or not has_soft_labels(file):
            return 0
        stored = Source(file).bare
        return 2 if stored is not None and _channels_last(stored.shape) else 0

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        if source.kind == "npz":
            images = images_of(source.table["images"], f"{source}: images")
            labels = labels_of(source.table["labels"], len(images), f"{source}: labels")
            return ImportedSet(images, labels)
        file = images_file(source)
        assert file is not None  # it has been recognised
        return read_beside(source, file)


def _channels_last(shape: tuple[int, ...]) -> bool:
    return len(shape) == 4 and shape[3] in (1, 3) and shape[1] not in (1, 3)
