"""Prototypes of kernel regression as stored in flax checkpoints: images and centred targets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...errors import UserError
from ..importing.importer import ImportedSet, images_of, labels_of
from ..importing.source import Source

IMAGES, TARGETS = "x_proto", "y_proto"


def checkpoint(source: Source) -> Source:
    """The source, or the only checkpoint in a flax folder."""
    if source.kind != "folder":
        return source
    found: list[Path] = source.files("checkpoint_*")
    return Source(found[0]) if len(found) == 1 else source


def part(source: Source, name: str) -> Mapping[str, Any]:
    """The named table of a checkpoint if it holds prototypes, else an empty one."""
    if source.kind != "msgpack":
        return {}
    found = source.table.get(name)
    return found if isinstance(found, dict) and {IMAGES, TARGETS} <= found.keys() else {}


def read_prototypes(source: Source, name: str) -> ImportedSet:
    """The prototypes of one table.

    Raises:
        UserError: if there are none.
    """
    found = part(source, name)
    if not found:
        raise UserError(f"{source} has no {name} with {IMAGES} and {TARGETS}")
    images = images_of(found[IMAGES], f"{source}: {IMAGES}")
    labels = labels_of(found[TARGETS], len(images), f"{source}: {TARGETS}")
    return ImportedSet(images, labels, layout="NHWC", label_kind="targets")
