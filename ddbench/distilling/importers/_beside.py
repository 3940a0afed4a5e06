"""Files that belong together: images, with labels and a learned rate in the same folder."""

from __future__ import annotations

import re
from pathlib import Path

from ...errors import UserError
from ..importing.importer import ImportedSet, images_of, labels_of, rate_of, tensor
from ..importing.source import Source

SUFFIXES = (".pt", ".pth", ".npy")
_VIEW = "images_zca"


def images_file(source: Source) -> Path | None:
    """The file with the images: the source itself, or the only one in a folder.

    None if the source has no such file.

    Raises:
        UserError: if a folder has several.
    """
    if source.path is None:
        return None
    if source.kind != "folder":
        return source.path if source.bare is not None else None
    found = [
        file for file in source.files("*") if file.suffix in SUFFIXES and "images" in file.name
    ]
    trainable = [file for file in found if _VIEW not in file.name]
    if len(trainable) > 1:
        names = ", ".join(file.name for file in trainable[:8])
        raise UserError(f"{source} has several files of images; name one of {names}")
    return trainable[0] if trainable else None


def beside(images: Path, word: str) -> Path | None:
    """The file of labels or of a learning rate that belongs to a file of images, if any.

    For `images_best.pt` this is `labels_best.pt`, and `lr_best.pt`, `best_lr.pt` or `lr.pt`.
    """
    if "images" not in images.name:
        return None
    named = images.name.replace("images_zca", word).replace("images", word)
    rest = re.sub(r"images_?(zca_?)?", "", images.stem)
    names = [named, f"{word}{images.suffix}", f"{rest}_{word}{images.suffix}"]
    return next((images.parent / n for n in names if (images.parent / n).is_file()), None)


def read_beside(source: Source, images: Path) -> ImportedSet:
    """Read images with the files that belong to them.

    Raises:
        UserError: if a file's content does not match its name.
    """
    opened = Source(images)
    stored = tensor(opened.bare, f"{images}: the content")
    if stored.ndim in (1, 2):
        raise UserError(
            f"{images} holds {len(stored):,} labels and no images; give the images' file"
        )
    made = images_of(stored, f"{images}: the tensor")
    if re.search("label|target", images.stem):
        raise UserError(
            f"{images}: its name says labels, but it holds images of shape {tuple(made.shape)}; "
            "labels lie elsewhere, and the name is wrong"
        )
    found = ImportedSet(made)
    labels, rate = beside(images, "labels"), beside(images, "lr")
    if labels is not None:
        found.labels = labels_of(Source(labels).bare, len(made), f"{labels}: the labels")
    if rate is not None:
        found.learned_rate = rate_of(Source(rate).bare, f"{rate}: the rate")
    if _VIEW in images.name:
        trained = images.with_name(images.name.replace(_VIEW, "images"))
        other = f"; the set is {trained.name}" if trained.is_file() else ""
        found.notes.append(
            "images_zca_* are pictures for viewing, with the whitening undone, and not the "
            f"trained tensor{other}"
        )
    return found


def has_soft_labels(images: Path) -> bool:
    """Whether the images have a labels file that holds a matrix."""
    labels = beside(images, "labels")
    if labels is None:
        return False
    stored = Source(labels).bare
    return stored is not None and stored.ndim == 2
