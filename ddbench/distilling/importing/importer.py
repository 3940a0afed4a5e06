"""The contract of an importer: a format in which distilled sets are released."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ...errors import UserError
from ..distilled_set import DistilledSet
from .source import Source


@dataclass
class ImportedSet:
    """One distilled set as stored, with only the facts that its file states.

    Args:
        images: (N, C, H, W) or (N, H, W, C), float or uint8, as stored.
        labels: (N,) class ids, (N, classes) soft labels, or None if the file has none.
        ids: (N,) class ids, if the file has both these and soft labels.
        label_kind: "logits", "probabilities" or "targets" of soft labels, if stated.
        layout: "NCHW" or "NHWC", if stated.
        input_space: as in `ImportChoice`, if stated.
        folders: the folder name of each image, if classes are folders.
        tiles: the decoder's factor, if stated.
        learned_rate: learning rate of students, distilled with the images.
        recorded: accuracies in [0, 1] that the authors' code left in the file, by network.
        sets: number of sets in the file.
        finished: the set itself, if the file is one of ddbench's own.
        notes: what the user should know about the set, one line each.
    """

    images: Tensor
    labels: Tensor | None = None
    ids: Tensor | None = None
    label_kind: str | None = None
    layout: str | None = None
    input_space: str | None = None
    folders: tuple[str, ...] = ()
    tiles: int | None = None
    learned_rate: float | None = None
    recorded: dict[str, list[float]] = field(default_factory=dict)
    sets: int = 1
    finished: DistilledSet | None = None
    notes: list[str] = field(default_factory=list)


class Importer(ABC):
    """A format of released sets.

    The harness asks every importer whether it recognises a source, and reads with the one that
    returns the largest number. An importer uses the source's structure alone, never facts that
    only the user knows. It executes nothing, and raises `UserError` for anything it cannot read.
    """

    @abstractmethod
    def recognises(self, source: Source) -> int:
        """How specific the match is: 0 none, 1 a general layout, 2 and more a family's own.

        Raises:
            UserError: if the source has this format but is damaged.
        """

    @abstractmethod
    def read(self, source: Source, which: int = -1) -> ImportedSet:
        """Read one set of a recognised source.

        Args:
            source: what to read.
            which: index of the set if there are several; negative values count from the end.

        Raises:
            UserError: if the source is invalid, with the reason in one line.
        """


def tensor(value: Any, where: str) -> Tensor:
    """A tensor from an array or a tensor; raises UserError unless all values are finite reals."""
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(np.ascontiguousarray(value.astype(value.dtype.newbyteorder("="))))
    if not isinstance(value, Tensor):
        raise UserError(f"{where} is not an array, but {type(value).__name__}")
    if value.is_complex() or value.is_quantized:
        raise UserError(f"{where} is not of plain numbers")
    if not all(bool(part.isfinite().all()) for part in value.split(1024)) if value.ndim else False:
        raise UserError(f"{where} holds values that are not finite")
    return value.detach()


def images_of(value: Any, where: str) -> Tensor:
    """A nonempty tensor of images (N, ?, ?, ?).

    Raises:
        UserError: for any other shape, or values that are not finite.
    """
    made = tensor(value, where)
    if made.ndim != 4 or not made.numel():
        raise UserError(
            f"{where} has shape {tuple(made.shape)}; images have four dimensions, none of them 0"
        )
    return made if made.dtype == torch.uint8 else made.float()


def labels_of(value: Any, count: int, where: str) -> Tensor:
    """Class ids (N,) or soft labels (N, classes) of `count` images.

    Ids stored as floats are accepted if they are whole numbers.

    Raises:
        UserError: for any other shape, or values that are not ids.
    """
    made = tensor(value, where)
    if made.ndim not in (1, 2) or len(made) != count:
        raise UserError(f"{where} has shape {tuple(made.shape)}, but there are {count} images")
    if made.ndim == 2:
        return made.float()
    if made.is_floating_point() and not torch.equal(made, made.round()):
        raise UserError(f"{where} are numbers that are not whole, so no class ids")
    if len(made) and not 0 <= float(made.min()) <= float(made.max()) < 2**31:
        raise UserError(
            f"{where} range over {made.min():g}..{made.max():g}, so they are not class ids"
        )
    return made.long()


def rate_of(value: Any, where: str) -> float:
    """A learned learning rate from a number or a one-element tensor.

    Raises:
        UserError: if the value is not a finite number above 0.
    """
    if isinstance(value, Tensor | np.ndarray):
        if value.reshape(-1).shape != (1,):
            raise UserError(f"{where} has shape {tuple(value.shape)}, not one rate")
        value = float(value.reshape(-1)[0])
    if not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise UserError(f"{where} is not a learning rate above 0")
    return float(value)


def first_of(table: Mapping[str, Any], *names: str) -> Any:
    """The entry under the first of several names that is present, or None."""
    return next((table[name] for name in names if name in table), None)
