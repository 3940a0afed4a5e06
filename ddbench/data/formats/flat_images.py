"""Images in one flat folder, with classes from a labels file or from their file names."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ...errors import UserError, shown
from .decoding import SUFFIXES
from .image_files import Found, list_images

LABELS_FILE = "labels.csv"
FILE, LABEL, SPLIT = "file", "label", "split"
"""Columns of a labels file."""


@dataclass(frozen=True)
class Flat:
    """Image files of one split.

    Args:
        labels: the class name of each.
        files: in the same order; their class ids are 0 until the classes have been numbered.
        left_out: numbers of other files beside them, by reason.
        of: the file or folder that lists them.
    """

    labels: list[str]
    files: list[Found]
    left_out: Counter[str]
    of: Path


def by_labels_file(file: Path, base: Path, splits: tuple[str, ...] = ()) -> Flat:
    """The images in a labels file, in the same order as images in class folders.

    Args:
        file: CSV with the columns `file`, a path relative to the folder of the labels file, and
            `label`, the name of a class.
        base: the dataset's folder.
        splits: only rows with one of these in the column `split` are used; if empty, all rows.

    Raises:
        UserError: one line with the first row that is wrong.
    """
    found: list[tuple[str, Found]] = []
    named: set[str] = set()
    for number, row in _rows(file, (FILE, LABEL, *([SPLIT] if splits else []))):
        name, label = row[FILE], row[LABEL]
        where = f"{file} line {number}"
        steps = PurePosixPath(name)
        if not label or not name or steps.is_absolute() or ".." in steps.parts:
            raise UserError(
                f"{where}: {shown(name)} with the label {shown(label)}; expected a path from "
                f"{file.parent} on and the name of a class"
            )
        if name in named:
            raise UserError(f"{where}: {shown(name)} is named twice")
        named.add(name)
        if splits and row[SPLIT] not in splits:
            continue
        path = file.parent / steps
        if path.suffix.lower() not in SUFFIXES or not path.is_file():
            raise UserError(f"{where}: {path} is missing or not an image file")
        place = path.relative_to(base).as_posix()
        found.append((label, Found(path, place, 0, path.stat())))
    left_out: Counter[str] = Counter()
    there = list_images(file.parent, base, 0, Counter())
    others = sum(image.path.relative_to(file.parent).as_posix() not in named for image in there)
    if others:
        left_out[f"not in {file.name}"] = others
    return _ordered(found, left_out, file)


def by_file_name(folder: Path, base: Path, pattern: str) -> Flat:
    """The images of a folder, with the class given by a part of each file name.

    Args:
        folder: of the split.
        base: the dataset's folder.
        pattern: a regular expression that matches the whole name without its extension; its one
            group is the class.

    Raises:
        UserError: for an invalid pattern, and for the first name that it does not match.
    """
    try:
        expression = re.compile(pattern)
    except re.error as error:
        raise UserError(f"pattern={pattern}: no regular expression ({error})") from error
    if expression.groups != 1:
        raise UserError(f"pattern={pattern}: expected one group, the class, such as '(.+)_[0-9]+'")
    left_out: Counter[str] = Counter()
    found = []
    for image in list_images(folder, base, 0, left_out):
        match = expression.fullmatch(image.path.stem)
        if not match or not match[1]:
            raise UserError(f"{image.path}: its name does not match pattern={pattern}")
        found.append((match[1], image))
    return _ordered(found, left_out, folder)


def _ordered(found: list[tuple[str, Found]], left_out: Counter[str], of: Path) -> Flat:
    found = sorted(found, key=lambda one: (one[0], one[1].name))
    return Flat([label for label, _ in found], [file for _, file in found], left_out, of)


def _rows(file: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """The rows of a CSV file with their line numbers."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            missing = [name for name in columns if name not in (reader.fieldnames or ())]
            if missing:
                raise UserError(
                    f"{file} has no column {missing[0]!r}; its first line is {','.join(columns)}"
                )
            for row in reader:
                yield reader.line_num, {name: (row[name] or "").strip() for name in columns}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = " ".join(str(error).split())
        raise UserError(f"{file} cannot be read ({reason})") from error
