"""Datasets passed in memory: read, checked, and stored under a digest of their content.

They are stored below the data root, where the dataset `arrays` finds them again: in a resumed run,
and in every process that scores in parallel.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ..errors import UserError
from .formats.conversion import FOLDER, Conversion
from .formats.items import labelled_items
from .pixels import pixel_hash
from .source import Split

SPLITS: dict[Split, tuple[str, ...]] = {"train": ("train",), "test": ("test", "validation", "val")}
"""The names under which each split is looked up; the first one present counts."""
NEEDED = (
    "give a training and a test split, (train, test) or {'train': …, 'test': …}, each as "
    "(images, labels), a torch Dataset, or a Hugging Face Dataset"
)
OTHER_KEYS = ("class_names", "name")
MOST_CHANNELS = 16

Arrays = tuple[NDArray[np.uint8], NDArray[np.int64]]


def stored_conversion(root: Path, content: str, split: Split) -> Conversion:
    """Where one split of an in-memory dataset is stored."""
    return Conversion(root.absolute() / FOLDER / f"arrays-{content}", split)


def keep(dataset: Any, root: Path) -> dict[str, Any]:
    """Store an in-memory dataset and return the keys of `ddbench run` that name it.

    Args:
        dataset: a pair (train, test), or a mapping with these names and optionally `class_names`,
            in the order of the labels, and `name`, the name of its boards. Each split is a pair
            or a mapping of images and labels (arrays or tensors), a torch `Dataset` of such pairs,
            or a Hugging Face `Dataset`. Images are (N, C, H, W), (N, H, W, C) or (N, H, W), square,
            uint8 or real numbers in [0, 1]; labels are whole numbers, 0..classes-1, (N,).
        root: the folder that holds all datasets' files.

    Raises:
        UserError: one line, if the data are not as above or the folder cannot be written to.
    """
    given = _splits(dataset)
    read = {split: labelled_items(part, f"{split} split") for split, part in given.items()}
    arrays: dict[Split, Arrays] = {
        split: (_pixels(images, split), _class_ids(labels, len(images), split))
        for split, (images, labels, _) in read.items()
    }
    told = dataset.get("class_names") if isinstance(dataset, Mapping) else None
    told = read["train"][2] if told is None else told
    names = _class_names(told, arrays["train"][1])
    _check_splits(arrays, names)
    content = _content(arrays, names)
    for split, (images, labels) in arrays.items():

        def blocks(start: int, images: NDArray[np.uint8] = images) -> Iterator[NDArray[np.uint8]]:
            yield images[start:]

        shape = (int(images.shape[1]), int(images.shape[2]), int(images.shape[3]))
        facts = {"class_names": names}
        place = stored_conversion(root, content, split)
        if place.facts(content) is None:  # once stored, the folder may be read-only
            place.write(content, labels, shape, blocks, facts)
    keys = {"dataset": "arrays", "dataset.content": content}
    if isinstance(dataset, Mapping) and dataset.get("name"):
        keys["dataset.called"] = str(dataset["name"])
    return keys


def _splits(dataset: Any) -> dict[Split, Any]:
    """The training and the test split of a dataset."""
    if isinstance(dataset, tuple | list):
        if len(dataset) != 2:
            raise UserError(f"dataset: there are {len(dataset)} parts, not 2; {NEEDED}")
        return {"train": dataset[0], "test": dataset[1]}
    if not isinstance(dataset, Mapping):
        raise UserError(f"dataset: a {type(dataset).__name__} has no test split; {NEEDED}")
    found: dict[Split, Any] = {}
    for split, names in SPLITS.items():
        name = next((name for name in names if name in dataset), None)
        if name is None:
            there = ", ".join(shown_keys(dataset)) or "nothing"
            raise UserError(f"dataset: there is no {split} split (there is: {there}); {NEEDED}")
        found[split] = dataset[name]
    known = {*OTHER_KEYS, *(name for names in SPLITS.values() for name in names)}
    strangers = [key for key in shown_keys(dataset) if key not in known]
    if strangers and not hasattr(dataset, "column_names"):  # a Hugging Face one may have others
        raise UserError(f"dataset: {strangers[0]!r} is not a part of a dataset; {NEEDED}")
    return found


def shown_keys(mapping: Mapping[Any, Any]) -> list[str]:
    """The keys of a mapping as text, as many as fit into a line."""
    return [str(key)[:40] for key in list(mapping)[:8]]


def _pixels(images: NDArray[Any], split: Split) -> NDArray[np.uint8]:
    """Images as uint8 (N, C, H, W)."""
    where = f"dataset: images of the {split} split"
    if images.ndim == 3:
        images = images[:, None]
    if images.ndim != 4 or not images.size:
        raise UserError(
            f"{where} have shape {images.shape}; expected (N, C, H, W), (N, H, W, C) or (N, H, W)"
        )
    first = images.shape[2] == images.shape[3] and images.shape[1] <= MOST_CHANNELS
    last = images.shape[1] == images.shape[2] and images.shape[3] <= MOST_CHANNELS
    if not first and not last:
        raise UserError(
            f"{where} have shape {images.shape}; images must be square, (N, C, H, H) or "
            f"(N, H, H, C), with {MOST_CHANNELS} channels at most"
        )
    if first and last and images.shape[1:] != (1, 1, 1):
        raise UserError(
            f"{where} have shape {images.shape}, in which the channel axis is ambiguous; "
            "images this small are not supported"
        )
    if not first:
        images = images.transpose(0, 3, 1, 2)
    if images.dtype == np.uint8:
        return np.ascontiguousarray(images)
    if not np.issubdtype(images.dtype, np.floating):
        raise UserError(f"{where} have type {images.dtype}; expected uint8, or floats in [0, 1]")
    low, high = float(images.min()), float(images.max())
    if not (low >= 0 and high <= 1):  # also refuses NaN
        raise UserError(
            f"{where} range over {low:g}..{high:g}; expected floats in [0, 1], or uint8 in 0..255"
        )
    return np.ascontiguousarray(np.rint(images.astype(np.float64) * 255).astype(np.uint8))


def _class_ids(labels: NDArray[Any], count: int, split: Split) -> NDArray[np.int64]:
    where = f"dataset: labels of the {split} split"
    if labels.shape != (count,):
        raise UserError(
            f"{where} have shape {labels.shape}; expected one label per image, ({count},)"
        )
    if not np.issubdtype(labels.dtype, np.integer):
        raise UserError(f"{where} have type {labels.dtype}; expected whole numbers from 0")
    if labels.min() < 0:
        raise UserError(f"{where} begin at {labels.min()}; expected whole numbers from 0")
    return labels.astype(np.int64)


def _class_names(told: Any, labels: NDArray[np.int64]) -> list[str]:
    """The names given, or numbers."""
    if told is None:
        return [str(number) for number in range(int(labels.max()) + 1)]
    names = [str(name) for name in told]
    if isinstance(told, str) or len({*names}) != len(names) or not all(names):
        raise UserError("dataset: class_names must be different, non-empty names in a list")
    return names


def _check_splits(arrays: Mapping[Split, Arrays], names: list[str]) -> None:
    """Refuse splits that differ in shape, and classes without images."""
    if len(names) < 2:
        raise UserError(f"dataset: there is {len(names)} class; expected at least 2")
    shapes = {split: images.shape[1:] for split, (images, _) in arrays.items()}
    if shapes["train"] != shapes["test"]:
        raise UserError(
            f"dataset: training images are {shapes['train']} and test images {shapes['test']}, in "
            "channels, height and width"
        )
    for split, (_, labels) in arrays.items():
        if labels.max() >= len(names):
            raise UserError(
                f"dataset: the {split} split has the label {labels.max()}, and there are "
                f"{len(names)} classes, 0..{len(names) - 1}"
            )
        absent = np.flatnonzero(np.bincount(labels, minlength=len(names)) == 0)
        if len(absent):
            raise UserError(
                f"dataset: the {split} split has no image of {len(absent)} of {len(names)} "
                f"classes, such as {names[absent[0]]!r} ({absent[0]})"
            )


def _content(arrays: Mapping[Split, Arrays], names: list[str]) -> str:
    """A digest of pixels, labels and class names, 20 hexadecimal digits."""
    digest = hashlib.blake2b(repr(names).encode(), digest_size=10)
    for split in SPLITS:
        images, labels = arrays[split]
        digest.update(pixel_hash(torch.from_numpy(images), torch.from_numpy(labels)).encode())
    return digest.hexdigest()
