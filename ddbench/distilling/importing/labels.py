"""Labels of an imported set: the class of each id, and how ids are found if there are none."""

from __future__ import annotations

import re
from collections.abc import Sequence

import torch
from torch import Tensor

from ...errors import UserError
from .importer import ImportedSet


def balanced_blocks(count: int, classes: int, where: str) -> Tensor:
    """Class ids of images stored in equal blocks, one per class, in class order.

    Raises:
        UserError: if the images cannot be divided into equal blocks.
    """
    if count % classes:
        raise UserError(f"{where}: ids=blocks: {count} images are not as many of each of {classes}")
    return torch.arange(classes).repeat_interleave(count // classes)


def ids_of_folders(folders: Sequence[str], names: tuple[str, ...], where: str) -> Tensor:
    """Class ids from folder names, each a class name or a class number.

    Raises:
        UserError: for a folder name that is neither.
    """
    by_name = {name: number for number, name in enumerate(names)}
    ids = []
    for folder in folders:
        number = re.fullmatch(r"(?:new|class)?_?0*(\d+)", folder)
        if folder in by_name:
            ids.append(by_name[folder])
        elif number and int(number[1]) < len(names):
            ids.append(int(number[1]))
        else:
            raise UserError(
                f"{where}: the folder {folder[:40]!r} is not a class of the dataset: neither a "
                f"name such as {names[0]!r} nor a number of 0 to {len(names) - 1}"
            )
    return torch.tensor(ids)


def class_positions(order: str, names: tuple[str, ...]) -> Tensor:
    """The dataset's id for each of the file's ids, (classes,).

    Args:
        order: "dataset"; "text", if the file's ids follow the dataset's ids sorted as text (0, 1,
            10, 11, ..., as class folders are sorted); or class names in the file's order.
        names: class names in the dataset's order.

    Raises:
        UserError: if the names in `order` are not the dataset's classes.
    """
    numbers = list(range(len(names)))
    if order == "dataset":
        return torch.tensor(numbers)
    if order == "text":
        return torch.tensor(sorted(numbers, key=str))
    given = order.split(",")
    if sorted(given) != sorted(names):
        raise UserError(
            f"class_order: must name each of the {len(names)} classes once, such as {names[0]}; "
            "or be dataset or text"
        )
    return torch.tensor([names.index(name) for name in given])


def resolved_ids(made: ImportedSet, source: str | None, classes: int, where: str) -> Tensor:
    """Class ids in the file's own numbering.

    Args:
        made: the set.
        source: "argmax" or "blocks", if the file has no ids.
        classes: number of classes.
        where: the file's name for messages.

    Raises:
        UserError: for ids out of range, or if they cannot be found in the given way.
    """
    labels, count = made.labels, len(made.images)
    if made.ids is not None:
        ids = made.ids
    elif labels is not None and labels.ndim == 1:
        ids = labels
    elif source == "argmax" and labels is not None:
        ids = labels.argmax(1)
    elif source == "argmax":
        raise UserError(f"{where}: ids=argmax: the file has no soft labels; ids=blocks counts them")
    else:
        ids = balanced_blocks(count, classes, where)
    if len(ids) and int(ids.max()) >= classes:
        raise UserError(f"{where}: class ids go up to {int(ids.max())}, but there are {classes}")
    return ids
