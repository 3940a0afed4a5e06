"""The dictionary written by DC's code and by most of its descendants."""

from __future__ import annotations

from typing import Any

from ...errors import UserError
from ..importing.importer import ImportedSet, images_of, labels_of
from ..importing.source import Source

ACCURACIES = "accs_all_exps"


def entries(source: Source) -> list[Any]:
    """The pairs [images, labels] under `data`, nested or flat; empty for any other file."""
    data = source.table.get("data")
    if not isinstance(data, list):
        return []
    if len(data) == 2 and not any(isinstance(part, list) for part in data):
        return [data]
    return data


def read_entry(source: Source, which: int) -> ImportedSet:
    """Read one of the pairs.

    Raises:
        UserError: if there is no such pair, or it does not consist of images and labels.
    """
    pairs = entries(source)
    if not pairs:
        raise UserError(f"{source}: its list of sets is empty")
    if not -len(pairs) <= which < len(pairs):
        raise UserError(
            f"{source}: which={which}: it holds {len(pairs)} sets, 0 to {len(pairs) - 1}"
        )
    pair = pairs[which]
    if not isinstance(pair, list) or len(pair) != 2:
        raise UserError(f"{source}: set {which % len(pairs)} is not a pair of images and labels")
    images = images_of(pair[0], f"{source}: the images")
    return ImportedSet(
        images,
        labels_of(pair[1], len(images), f"{source}: the labels"),
        recorded=_recorded(source.table.get(ACCURACIES), which % len(pairs), len(pairs)),
        sets=len(pairs),
    )


def _recorded(value: Any, number: int, sets: int) -> dict[str, list[float]]:
    """Accuracies of one set by network; anything else stored there is ignored.

    DC's code appends those of each set to one list, in the order of the sets. If a list cannot be
    divided evenly, it is unknown which belong to which set, and all are returned.
    """
    if not isinstance(value, dict):
        return {}
    found = {}
    for name, listed in value.items():
        if isinstance(listed, list) and listed and all(_is_accuracy(one) for one in listed):
            share, rest = divmod(len(listed), sets)
            own = listed if rest else listed[number * share : (number + 1) * share]
            found[name[:40]] = [float(one) for one in own]
    return found


def _is_accuracy(value: object) -> bool:
    return isinstance(value, float | int) and 0 <= value <= 1
