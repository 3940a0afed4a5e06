"""Choosing the importer that reads a source."""

from __future__ import annotations

from ...errors import UserError
from .importer import ImportedSet, Importer
from .registry import IMPORTERS
from .source import Source


def importer_of(source: Source) -> tuple[str, Importer]:
    """Name and instance of the importer that matches a source most specifically.

    Raises:
        UserError: if no importer matches; the message describes the source.
    """
    found = {name: plugin() for name, plugin in IMPORTERS.loadable().items()}
    scores = {name: one.recognises(source) for name, one in found.items()}
    best = max(scores, key=lambda name: scores[name])
    if scores[best] == 0:
        raise UserError(f"{source}: {_told(source)}; known: {', '.join(found)}")
    return best, found[best]


def read_set(source: Source, which: int = -1) -> tuple[str, ImportedSet]:
    """The importer's name, and a set that it reads from the source.

    Raises:
        UserError: as `importer_of` and the importer do.
    """
    name, importer = importer_of(source)
    return name, importer.read(source, which)


def _told(source: Source) -> str:
    """A description of a source that no importer recognises."""
    if source.kind == "folder":
        return "a folder without a set that any importer knows"
    if source.kind == "memory":
        return "not (images, labels), and no torch Dataset"
    if source.table:
        keys = ", ".join(repr(key[:20]) for key in list(source.table)[:6])
        return f"a table of {keys}, in which no importer finds a set"
    return f"{source.kind} content in which no importer finds a set"
