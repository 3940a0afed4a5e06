"""Checks that every dataset source must pass, whoever wrote it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..errors import UserError
from .pixels import PartedImages
from .source import DatasetSource


def check_facts(name: str, source: DatasetSource) -> None:
    """Refuse a source whose class attributes do not describe a dataset."""
    for fact in ("channels", "resolution"):
        value = getattr(source, fact, None)
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise UserError(
                f"the dataset {name!r} has {fact}={value!r}: must be a positive integer"
            )
    names = getattr(source, "class_names", None)
    if (
        not isinstance(names, tuple | list)
        or not names
        or not all(isinstance(entry, str) and entry for entry in names)
        or len(set(names)) != len(names)
    ):
        raise UserError(f"the dataset {name!r} must have class_names: different, non-empty names")


def array_problem(loaded: Any, source: DatasetSource) -> str | None:
    """What is wrong with the result of `load`, in words, or None."""
    if not isinstance(loaded, tuple) or len(loaded) != 2:
        return f"load returned {type(loaded).__name__}, not (images, labels)"
    images, labels = loaded
    for noun, array, dtype in (("images", images, np.uint8), ("labels", labels, np.int64)):
        if noun == "images" and isinstance(array, PartedImages):
            continue  # checked when it was made
        if not isinstance(array, np.ndarray):
            return f"{noun} are {type(array).__name__}, not a NumPy array"
        if array.dtype != dtype:
            return f"{noun} have type {array.dtype}, not {np.dtype(dtype).name}"
        if any(step < 0 for step in array.strides):
            return f"{noun} are stored with negative strides; return np.ascontiguousarray of them"
    expected = (source.channels, source.resolution, source.resolution)
    if images.ndim != 4 or images.shape[1:] != expected:
        return f"images have shape {images.shape}, not (N, {', '.join(map(str, expected))})"
    if labels.shape != (len(images),):
        return f"labels have shape {labels.shape}, not ({len(images)},)"
    classes = len(source.class_names)
    if len(labels) and not (labels.min() >= 0 and labels.max() < classes):
        return f"labels range over {labels.min()}..{labels.max()}, not 0..{classes - 1}"
    absent = np.flatnonzero(np.bincount(labels, minlength=classes) == 0)
    if len(absent):
        return f"{len(absent)} of {classes} classes have no image, such as {absent[0]}"
    return None
