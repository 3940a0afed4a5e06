"""Labelled images passed from Python: arrays, tensors, or items one after another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...errors import UserError, shown

IMAGE_COLUMNS = ("image", "img", "images")
LABEL_COLUMNS = ("label", "labels", "fine_label")

Read = tuple[NDArray[Any], NDArray[Any], tuple[str, ...] | None]
"""Images, labels, and names of the classes where they are known."""


def labelled_items(part: Any, where: str) -> Read:
    """Images and labels of a split, as they are.

    Args:
        part: a pair or a mapping of images and labels, a torch `Dataset` whose items are such
            pairs, or a Hugging Face `Dataset`.
        where: the split, for messages.

    Raises:
        UserError: for anything else, and for images of several sizes.
    """
    if isinstance(part, np.ndarray | torch.Tensor):
        raise UserError(f"dataset: the {where} is one array; expected two, (images, labels)")
    if hasattr(part, "features") and hasattr(part, "column_names"):
        return _of_columns(part, where)
    if isinstance(part, Mapping):
        named = [part.get(name) for name in ("images", "labels")]
        if any(value is None for value in named):
            there = ", ".join(str(key)[:40] for key in list(part)[:8]) or "nothing"
            raise UserError(f"dataset: the {where} has {there}; expected images and labels")
        part = tuple(named)
    if isinstance(part, tuple | list):
        if len(part) != 2:
            raise UserError(
                f"dataset: the {where} has {len(part)} parts; expected two, (images, labels)"
            )
        return _array(part[0], where, "images"), _array(part[1], where, "labels"), None
    if hasattr(part, "__getitem__") and hasattr(part, "__len__"):
        return _of_pairs(part, where)
    raise UserError(
        f"dataset: the {where} is a {type(part).__name__}; expected (images, labels), a torch "
        "Dataset with a length, or a Hugging Face Dataset"
    )


def _array(values: Any, where: str, noun: str) -> NDArray[Any]:
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = (values.float() if values.dtype == torch.bfloat16 else values).numpy()
    try:
        array: NDArray[Any] = np.asarray(values)
    except (TypeError, ValueError) as error:
        raise UserError(
            f"dataset: {noun} of the {where} are not an array ({shown(str(error))})"
        ) from error
    if array.dtype == object:
        raise UserError(f"dataset: {noun} of the {where} are not an array of numbers")
    return array


def _of_pairs(part: Any, where: str) -> Read:
    """A torch Dataset, item by item."""

    def items() -> Iterator[tuple[Any, Any]]:
        for number in range(len(part)):
            item = part[number]
            if not isinstance(item, tuple | list) or len(item) != 2:
                raise UserError(
                    f"dataset: item {number} of the {where} is not a pair of an image and a label"
                )
            yield item[0], item[1]

    names = getattr(part, "classes", None)
    known = isinstance(names, tuple | list) and all(isinstance(name, str) for name in names)
    return *_stacked(items(), where), tuple(names) if known else None  # type: ignore[arg-type]


def _of_columns(part: Any, where: str) -> Read:
    """A Hugging Face Dataset: its column of images and its column of class labels."""
    image = _column(part, "Image", IMAGE_COLUMNS, where)
    label = _column(part, "ClassLabel", LABEL_COLUMNS, where)
    names = getattr(part.features[label], "names", None)
    rows = ((row[image], row[label]) for row in part)
    return *_stacked(rows, where), tuple(names) if names else None


def _column(part: Any, kind: str, usual: tuple[str, ...], where: str) -> str:
    """The one column of a kind, or else the first that has a usual name."""
    columns = list(part.column_names)
    of_kind = [name for name in columns if type(part.features[name]).__name__ == kind]
    named = [name for name in usual if name in (of_kind or columns)]
    if len(of_kind) == 1 or named:
        return str(named[0] if named else of_kind[0])
    raise UserError(
        f"dataset: the {where} has the columns {', '.join(map(str, columns[:8]))}; expected one "
        f"of the kind {kind}, or one called {usual[0]}"
    )


def _stacked(items: Iterator[tuple[Any, Any]], where: str) -> tuple[NDArray[Any], NDArray[Any]]:
    images: list[NDArray[Any]] = []
    labels: list[NDArray[Any]] = []
    for number, (image, label) in enumerate(items):
        array = _array(_as_numbers(image), where, "images")
        if images and (array.shape, array.dtype) != (images[0].shape, images[0].dtype):
            raise UserError(
                f"dataset: image {number} of the {where} is {array.dtype} {array.shape}, the first "
                f"{images[0].dtype} {images[0].shape}; expected images of one size and type"
            )
        images.append(array)
        labels.append(_array(label, where, "labels"))
    if not images:
        raise UserError(f"dataset: the {where} is empty")
    if any(label.shape for label in labels):
        raise UserError(f"dataset: labels of the {where} are not one number each")
    return np.stack(images), np.stack(labels)


def _as_numbers(image: Any) -> Any:
    """A Pillow image converted to mode L or RGB; anything else is returned as it is."""
    mode = getattr(image, "mode", None)
    if mode is None or not hasattr(image, "convert"):
        return image
    return image if mode in ("L", "RGB") else image.convert("L" if mode == "1" else "RGB")
