"""A subset of a dataset's classes, selected by name with `dataset.classes=`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ..errors import UserError, near_names, shown
from ..plugins.presets import preset

CLASS_LISTS: dict[str, list[str]] = preset(".", "class_lists")
"""WordNet ids by the name of a list, from `configs/class_lists.yaml`."""
_WNID = re.compile(r"n\d{8}(?!\S)")
_LONGEST_FILE = 2**20
"""Largest size of a file of names, in bytes."""


def listed(given: Any) -> str | list[str]:
    """The user's choice: the name of a list in `configs/`, or class names.

    Args:
        given: names in a list; the name of a list; or a text file with one name per line, of
            which only the first word counts if that is a WordNet id.

    Raises:
        UserError: for anything else, and for a file that cannot be read.
    """
    if isinstance(given, str) and given in CLASS_LISTS:
        return given
    if isinstance(given, str):
        return _lines(Path(given).expanduser())
    if not isinstance(given, list | tuple):
        raise UserError(
            f"classes={shown(str(given))}: expected a list of names, a file with one in each "
            f"line, or one of {', '.join(CLASS_LISTS)}"
        )
    names = [str(name) for name in given]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise UserError(f"classes: {shown(twice[0])} is named twice")
    return names


def class_ids(
    given: str | list[str], where: str, names: tuple[str, ...], wnids: tuple[str, ...] | None
) -> tuple[int, ...]:
    """The ids of the given classes, ascending: in the dataset's order, not in the given one.

    Args:
        given: as `listed` returns it.
        where: the dataset, for messages.
        names: of all its classes, in the order of their ids.
        wnids: their WordNet ids in this order, where they have any.

    Raises:
        UserError: one line for a class that the dataset does not have, with near names, for one
            that is named twice, and for a single class.
    """
    known = {name: number for number, name in enumerate(wnids or ())}
    known |= {name: number for number, name in enumerate(names)}
    ids: list[int] = []
    for name in CLASS_LISTS[given] if isinstance(given, str) else given:
        if name not in known:
            if isinstance(given, str):
                unknown = "" if wnids else "; the WordNet ids of its classes are not known"
                raise UserError(f"classes={given}: {where} has no class {name}{unknown}")
            near = " or ".join(near_names(name, known)) or f"{names[0]}, {names[1]} and others"
            raise UserError(f"classes: {where} has no class {shown(name)}; it has {near}")
        if known[name] in ids:
            raise UserError(f"classes: {shown(name)} is named twice, by name and WordNet id")
        ids.append(known[name])
    if len(ids) < 2:
        raise UserError(f"classes: expected at least 2 classes of {where}")
    return tuple(sorted(ids))


def _lines(file: Path) -> list[str]:
    """The names in a file."""
    try:
        if file.stat().st_size > _LONGEST_FILE:
            raise UserError(f"classes: {file} has {file.stat().st_size:,} bytes; it is not a list")
        lines = [line.strip() for line in file.read_text("utf-8").splitlines()]
    except FileNotFoundError:
        raise UserError(
            f"classes={shown(str(file))}: no such file, and no list of this name; known: "
            f"{', '.join(CLASS_LISTS)}; single names are written [{file.name},…]"
        ) from None
    except (OSError, UnicodeDecodeError, ValueError) as error:
        raise UserError(f"classes: {shown(str(file))} cannot be read ({error})") from error
    found = listed([line.split()[0] if _WNID.match(line) else line for line in lines if line])
    assert isinstance(found, list)
    return found
