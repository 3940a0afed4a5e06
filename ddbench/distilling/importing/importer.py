"""The contract of an importer: a format in which somebody releases distilled sets."""

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
    """One distilled set as it is stored, with what its file says about it and no more.

    Args:
        images: (N, C, H, W) or (N, H, W, C), float or uint8, as stored.
        labels: (N,) class ids, (N, classes) soft labels, or None where the file has none.
        ids: (N,) class ids where the file has soft labels too.
        label_kind: "logits", "probabilities" or "targets" of soft labels, if the file says so.
        layout: "NCHW" or "NHWC", if the file says so.
        input_space: as `ImportChoice` has it, if the file says so.
        folders: name of the folder of each image, where classes are folders.
        tiles: the decoder's factor, if the file says so.
        learned_rate: of students, distilled with the images.
        recorded: accuracies in [0, 1] that the authors' code left in the file, by network.
        sets: how many sets the file holds.
        finished: the set itself, where the file is one of ddbench's own.
        notes: what a person should know about it, a line each.
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

    The harness asks every importer whether it recognises a source, takes the one that answers
    with the largest number, and lets it read. An importer looks at structure, never at what a
    person may know; it executes nothing, and whatever it cannot read is a `UserError`.
    """

    @abstractmethod
    def recognises(self, source: Source) -> int:
        """How particular the resemblance is: 0 none, 1 a general layout, 2 and 3 a family's own.

        Raises:
            UserError: for a source of the format that is damaged.
        """

    @abstractmethod
    def read(self, source: Source, which: int = -1) -> ImportedSet:
        """One set of a source that is recognised.

        Args:
            source: what to read.
            which: of several sets, counted from 0; from the end where negative.

        Raises:
            UserError: one line on what is wrong with it.
        """


def tensor(value: Any, where: str) -> Tensor:
    """A tensor from an array or a tensor, refused where it has no plain finite numbers."""
    if isinstance(value, np.ndarray):
        value = torch.from_numpy(np.ascontiguousarray(value.astype(value.dtype.newbyteorder("="))))
    if not isinstance(value, Tensor):
        raise UserError(f"{where} is no array, but {type(value).__name__}")
    if value.is_complex() or value.is_quantized:
        raise UserError(f"{where} is not of plain numbers")
    if not all(bool(part.isfinite().all()) for part in value.split(1024)) if value.ndim else False:
        raise UserError(f"{where} holds values that are not finite")
    return value.detach()


def images_of(value: Any, where: str) -> Tensor:
    """Images (N, ?, ?, ?) with at least one of them.

    Raises:
        UserError: for another shape, or values that are not finite.
    """
    made = tensor(value, where)
    if made.ndim != 4 or not made.numel():
        raise UserError(
            f"{where} has shape {tuple(made.shape)}; images have four dimensions, none of them 0"
        )
    return made if made.dtype == torch.uint8 else made.float()


def labels_of(value: Any, count: int, where: str) -> Tensor:
    """Class ids (N,) or soft labels (N, classes) of so many images.

    Ids that are stored as floats are accepted where they are whole numbers.

    Raises:
        UserError: for another shape, or what are no ids.
    """
    made = tensor(value, where)
    if made.ndim not in (1, 2) or len(made) != count:
        raise UserError(f"{where} has shape {tuple(made.shape)}, but there are {count} images")
    if made.ndim == 2:
        return made.float()
    if made.is_floating_point() and not torch.equal(made, made.round()):
        raise UserError(f"{where} are numbers that are not whole, so no class ids")
    if len(made) and not 0 <= float(made.min()) <= float(made.max()) < 2**31:
        raise UserError(f"{where} range over {made.min():g}..{made.max():g}, so are no class ids")
    return made.long()


def rate_of(value: Any, where: str) -> float:
    """A learned rate from a number or from a tensor of one value.

    Raises:
        UserError: if it is none.
    """
    if isinstance(value, Tensor | np.ndarray):
        if value.reshape(-1).shape != (1,):
            raise UserError(f"{where} has shape {tuple(value.shape)}, not one rate")
        value = float(value.reshape(-1)[0])
    if not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise UserError(f"{where} is no learning rate above 0")
    return float(value)


def first_of(table: Mapping[str, Any], *names: str) -> Any:
    """The first entry that is there under one of several names, or None."""
    return next((table[name] for name in names if name in table), None)
