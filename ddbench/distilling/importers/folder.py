"""Folders of pictures, one per class: what SRe2L, RDED, D4M and Minimax write.

Folders are named by class number (`7`, `00007`, `new007`), WordNet id, or class name.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import torch

from ...data.formats.decoding import SUFFIXES, Filter, decode
from ...data.formats.image_files import Found, list_images
from ...errors import UserError
from ..importing.importer import ImportedSet, Importer
from ..importing.source import Source

MAX_BYTES = 8 * 2**30
MAX_FOLDERS = 100_000
MAX_GROWTH = 200
"""Largest ratio of decoded pictures to their files: distilled ones hardly compress at all."""


class ClassFolders(Importer):
    """8-bit pictures, whose folder gives their class."""

    def recognises(self, source: Source) -> int:
        if source.kind != "folder" or source.path is None:
            return 0
        return 1 if any(_has_pictures(folder) for folder in _folders(source.path)[:5]) else 0

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        assert source.path is not None
        found: list[Found] = []
        names: list[str] = []
        left_out: Counter[str] = Counter()
        for folder in _folders(source.path):
            pictures = list_images(folder, source.path, 0, left_out)
            found += pictures
            names += [folder.name] * len(pictures)
        if not found:
            raise UserError(f"{source} has no pictures in folders of classes")
        side = _side(found[0].path)
        file_bytes = sum(one.facts.st_size for one in found)
        if len(found) * 3 * side**2 > min(MAX_BYTES, MAX_GROWTH * file_bytes):
            raise UserError(f"{source} has {len(found):,} pictures of {side}x{side}, too many")
        pixels = np.stack([decode(one.path, side, Filter.none) for one in found])
        return ImportedSet(
            torch.from_numpy(pixels),
            layout="NCHW",
            input_space="pixels255",
            folders=tuple(names),
            notes=[f"{count} files left out: {why}" for why, count in sorted(left_out.items())],
        )


def _folders(root: Path) -> list[Path]:
    found = sorted(p for p in root.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(found) > MAX_FOLDERS:
        raise UserError(f"{root} has {len(found):,} folders, over {MAX_FOLDERS:,}")
    return found


def _has_pictures(folder: Path) -> bool:
    return any(file.suffix.lower() in SUFFIXES for file in folder.iterdir())


def _side(path: Path) -> int:
    """Height and width of a square picture."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            width, height = picture.size
    except Exception as error:  # Pillow raises many kinds, including SyntaxError
        raise UserError(f"{path} is not a picture ({type(error).__name__})") from error
    if width != height:
        raise UserError(f"{path} is {width}x{height}; pictures of a distilled set are square")
    return width
