"""A dataset as the harness sees it: checked, hashed, split, its test images locked away."""

from __future__ import annotations

import hashlib
import math
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError
from ..plugins.settings import typed_settings
from ..runtime.randomness import RandomStream
from .checks import array_problem, check_facts
from .named_classes import class_ids
from .pixels import PartedImages, Pixels, pixel_hash
from .registry import DATASETS
from .source import DatasetSource, Split

PARTED_BYTES = 2**30
"""Memory-mapped images beyond this size are never copied as a whole; see `PartedImages`."""


_DIGEST = re.compile(r"[0-9a-f]{16,64}")


class TestSplitLocked(RuntimeError):
    """Something other than the scoring of a finished distilled set asked for the test split."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"the test split of {name} is locked: it serves only to score a finished distilled set"
        )


@dataclass(frozen=True, eq=False)
class ImageSplit:
    """Labelled images.

    Attributes:
        images: uint8, (N, C, H, W); may be memory-mapped.
        labels: class ids, int64, (N,).
        fingerprint: identifies pixels and labels, where their source knows it without reading all
            of them; see `DatasetSource.fingerprint`.
    """

    images: Pixels
    labels: Tensor
    fingerprint: str | None = None

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def hash(self) -> str:
        """Hash of the fingerprint, or else of shapes, pixels and labels (`pixel_hash`), as hex.

        A fingerprint that is already a digest is returned as it is.
        """
        if self.fingerprint is None:
            return pixel_hash(self.images, self.labels)
        if _DIGEST.fullmatch(self.fingerprint):
            return self.fingerprint
        return hashlib.blake2b(self.fingerprint.encode(), digest_size=20).hexdigest()

    def subset(self, mask: Tensor) -> ImageSplit:
        """The images where `mask` (N,) is true; `PartedImages` are not copied."""
        rows = mask.nonzero().flatten()
        parted = isinstance(self.images, PartedImages)
        images = self.images.subset(rows) if parted else self.images[mask]  # type: ignore[union-attr, index]
        fingerprint = None
        if self.fingerprint is not None:
            digest = hashlib.blake2b(self.fingerprint.encode(), digest_size=20)
            digest.update(rows.numpy().astype("<i8").tobytes())
            fingerprint = digest.hexdigest()
        return ImageSplit(images, self.labels[mask], fingerprint)

    @cached_property
    def _by_class(self) -> tuple[Tensor, ...]:
        order = torch.argsort(self.labels, stable=True)
        return tuple(torch.split(order, torch.bincount(self.labels).tolist()))

    def class_indices(self, c: int) -> Tensor:
        """Indices of the images of class c, int64, ascending.

        Raises:
            IndexError: if there is no class c.
        """
        if not 0 <= c < len(self._by_class):
            raise IndexError(f"there is no class {c} among {len(self._by_class)}")
        return self._by_class[c]


class Dataset:
    """The training images of a source, split into a training and a validation part.

    Args:
        name: the dataset's name in the registry.
        source: where the images come from; only its training split is loaded now.
        validation: fraction of the training images of every class that is set aside, 0 <= f < 1;
            at least one image per class unless it is 0.
        validation_seed: seed of the choice of these images.

    Raises:
        UserError: if files are missing, or the source returns invalid data.
    """

    def __init__(
        self,
        name: str,
        source: DatasetSource,
        validation: float = 0.0,
        validation_seed: int = 0,
    ) -> None:
        if not (math.isfinite(validation) and 0 <= validation < 1):
            raise UserError(f"validation={validation}: must be at least 0 and below 1")
        self.name = name
        self.source = source
        source.check()  # first: a source may read the facts from its files
        check_facts(name, source)
        self._chosen = chosen_classes(name, source)
        self.train = self._load("train")
        self.validation: ImageSplit | None = None
        if validation > 0:
            self._cut(validation, RandomStream(validation_seed) / "validation" / name)
        self._test: ImageSplit | None = None
        self._scoring = 0

    @classmethod
    def open(
        cls,
        name: str,
        settings_plain: Mapping[str, Any],
        root: Path,
        validation: float = 0.0,
        validation_seed: int = 0,
    ) -> Dataset:
        """Open a registered dataset.

        Args:
            name: its name.
            settings_plain: its settings by name, in plain types; those left out have defaults.
            root: the folder that holds all datasets' files.
            validation: see `Dataset`.
            validation_seed: see `Dataset`.

        Raises:
            UserError: for an unknown name or setting, and as `Dataset` does.
        """
        plugin = DATASETS[name]
        settings = typed_settings(plugin.Settings, dict(settings_plain), f"the dataset {name}")
        if settings.name_given() in DATASETS:
            raise UserError(f"called={settings.name_given()}: a dataset has this name already")
        source = plugin(settings, root)
        return cls(name, source, validation, validation_seed)

    @property
    def channels(self) -> int:
        """1 for grey images, 3 for colour."""
        return self.source.channels

    @property
    def resolution(self) -> int:
        """Height and width in pixels."""
        return self.source.resolution

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their ids."""
        names = tuple(self.source.class_names)
        return names if self._chosen is None else tuple(names[c] for c in self._chosen)

    @property
    def is_whole(self) -> bool:
        """Whether all classes of the source are used."""
        return self._chosen is None

    @property
    def test_size(self) -> int:
        """Number of test images; with only some classes, their proportional share of all."""
        return self.source.test_size * self.classes // len(self.source.class_names)

    @property
    def classes(self) -> int:
        """The number of classes."""
        return len(self.class_names)

    @property
    def class_counts(self) -> tuple[int, ...]:
        """Training images of each class, in class order, without the validation part."""
        return tuple(len(self.train.class_indices(c)) for c in range(self.classes))

    @property
    def train_hash(self) -> str:
        """Hash of the training part, without the validation part."""
        return self.train.hash

    @property
    def left_out(self) -> dict[str, dict[str, int]]:
        """Numbers of unused files, by split and reason; see `DatasetSource.left_out`."""
        return self.source.left_out()

    def identity(self) -> dict[str, Any]:
        """What determines all numbers computed from the training part; for cache keys."""
        return {"name": self.name, "version": self.source.version, "train_hash": self.train_hash}

    @contextmanager
    def scoring(self) -> Iterator[None]:
        """Unlock the test split for a block; only the scoring of a finished set does this."""
        self._scoring += 1
        try:
            yield
        finally:
            self._scoring -= 1

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Lock the test split for a block inside `scoring()`, such as more distilling."""
        before, self._scoring = self._scoring, 0
        try:
            yield
        finally:
            self._scoring = before

    @property
    def test(self) -> ImageSplit:
        """The test split, loaded when first asked for.

        Raises:
            TestSplitLocked: outside `scoring()`.
        """
        if not self._scoring:
            raise TestSplitLocked(self.name)
        if self._test is None:
            self._test = self._load("test")
        return self._test

    @property
    def scored(self) -> ImageSplit:
        """What students are scored on: held-out training images if there are any, else test.

        Raises:
            TestSplitLocked: for the test split outside `scoring()`.
        """
        return self.test if self.validation is None else self.validation

    @property
    def scored_name(self) -> str:
        """Which split is scored: "validation" where images are held out, else "test"."""
        return "test" if self.validation is None else "validation"

    def _load(self, split: Split) -> ImageSplit:
        """A split of the source, or the images of the classes that are used."""
        whole = _load(self.name, self.source, split)
        if self._chosen is None:
            return whole
        chosen = torch.tensor(self._chosen)
        part = whole.subset(torch.isin(whole.labels, chosen))
        return ImageSplit(part.images, torch.searchsorted(chosen, part.labels), part.fingerprint)

    def _cut(self, fraction: float, stream: RandomStream) -> None:
        """Move a stratified part of the training images to `validation`, keeping their order."""
        held_out = torch.zeros(len(self.train), dtype=torch.bool)
        for c in range(self.classes):
            members = self.train.class_indices(c)
            count = max(1, round(fraction * len(members)))
            if count >= len(members):
                raise UserError(
                    f"validation={fraction}: leaves no training image of the class "
                    f"{self.class_names[c]!r}, which has {len(members)}"
                )
            order = torch.randperm(len(members), generator=(stream / c).generator())
            held_out[members[order[:count]]] = True
        whole = self.train
        self.validation, self.train = whole.subset(held_out), whole.subset(~held_out)


def chosen_classes(name: str, source: DatasetSource) -> tuple[int, ...] | None:
    """The ids of the selected classes, ascending; None for all.

    Raises:
        UserError: for a class that the dataset does not have.
    """
    given = source.settings.named_classes
    if given is None:
        return None
    return class_ids(given, f"the dataset {name}", tuple(source.class_names), source.wnids)


def _load(name: str, source: DatasetSource, split: Split) -> ImageSplit:
    """Load a split and check all that the rest of the program relies on."""
    where = f"the {split} split of the dataset {name!r}"
    try:
        loaded: Any = source.load(split)
    except UserError:
        raise
    except Exception as error:  # third-party code may raise anything
        reason = " ".join(str(error).split())
        raise UserError(f"{where} cannot be loaded: {type(error).__name__}: {reason}") from error
    problem = array_problem(loaded, source)
    if problem:
        raise UserError(f"{where} is not usable: {problem}")
    images, labels = loaded
    with warnings.catch_warnings():
        # Read-only memory maps are welcome; nothing in the program writes to real images.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writ")
        if isinstance(images, np.memmap) and images.nbytes > PARTED_BYTES:
            images = PartedImages([images])
        pixels = images if isinstance(images, PartedImages) else torch.from_numpy(images)
        return ImageSplit(pixels, torch.from_numpy(labels), source.fingerprint(split))
