"""Named tensors: images, labels and related values, in any kind of archive."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import UserError
from ..distilled_set import SOFT_LABEL_KINDS
from ..importing.importer import ImportedSet, first_of, images_of, labels_of, rate_of, tensor

IMAGES = ("images", "x", "data", "x_train")
LABELS = ("labels", "y", "targets", "label", "y_train")
BESIDE = ("soft_labels", "soft_label_kind", "learned_rate", "tiles")
"""The names that ddbench's exporters write."""


def read_table(table: Mapping[str, Any], where: str) -> ImportedSet:
    """A set from named tensors or arrays.

    Raises:
        UserError: if there are no images, or parts do not fit together.
    """
    images = first_of(table, *IMAGES)
    if images is None:
        raise UserError(f"{where}: it has no tensor called {' or '.join(IMAGES)}")
    made = ImportedSet(images_of(images, f"{where}: images"))
    labels, soft = first_of(table, *LABELS), table.get("soft_labels")
    if labels is not None:
        made.labels = labels_of(labels, len(made.images), f"{where}: labels")
    if soft is not None:
        made.ids = made.labels
        made.labels = labels_of(soft, len(made.images), f"{where}: soft_labels")
        number = _whole(table.get("soft_label_kind"), f"{where}: soft_label_kind")
        if number is not None:
            made.label_kind = dict(enumerate(SOFT_LABEL_KINDS)).get(number)
    if "learned_rate" in table:
        made.learned_rate = rate_of(table["learned_rate"], f"{where}: learned_rate")
    made.tiles = _whole(table.get("tiles"), f"{where}: tiles")
    return made


def _whole(value: Any, where: str) -> int | None:
    """A small whole number from a one-element tensor."""
    if value is None:
        return None
    found = tensor(value, where)
    if found.numel() != 1 or not 0 <= float(found) < 100:
        raise UserError(f"{where} is not a small whole number")
    return int(found)
