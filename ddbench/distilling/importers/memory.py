"""Objects in memory: tensors (images, labels), or a torch Dataset of such pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from ...errors import UserError
from ..importing.importer import ImportedSet, Importer, images_of, labels_of
from ..importing.source import Source

MAX_EXAMPLES = 1_000_000


class InMemory(Importer):
    """A pair of arrays, or a finite dataset of (image, label)."""

    def recognises(self, source: Source) -> int:
        if source.path is not None:
            return 0
        pair = isinstance(source.given, tuple | list) and len(source.given) == 2
        return 1 if pair or isinstance(source.given, Dataset) else 0

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        given: Any = source.given
        images, labels = _stacked(given) if isinstance(given, Dataset) else given
        found = ImportedSet(images_of(images, "images"))
        if labels is not None:
            found.labels = labels_of(labels, len(found.images), "labels")
        return found


def _stacked(dataset: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """All examples of a dataset, in order."""
    if not hasattr(dataset, "__len__") or not 1 <= len(dataset) <= MAX_EXAMPLES:
        raise UserError("the dataset has no length, no examples, or too many")
    pairs = [dataset[i] for i in range(len(dataset))]
    shapes = {np.shape(image) for image, _ in pairs}
    if len(shapes) != 1:
        raise UserError(f"the dataset has images of {len(shapes)} shapes; they must be alike")
    images = torch.stack([torch.as_tensor(np.asarray(image)) for image, _ in pairs])
    return images, torch.stack([torch.as_tensor(label) for _, label in pairs])
