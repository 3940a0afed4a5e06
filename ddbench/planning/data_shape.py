"""Number and size of a dataset's images, even if its files are not available."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..data.dataset import Dataset, chosen_classes
from ..data.input_space import input_space_definition
from ..data.registry import DATASETS
from ..errors import UserError
from ..plugins.settings import typed_settings
from ..training.lab import LabSpec

WHITENED_VALUE = 4
"""Bytes per value of the whitened training images, besides the byte of the pixel."""


@dataclass(frozen=True)
class DataShape:
    """What a plan needs to know about a dataset.

    Args:
        channels: the channels of an image.
        resolution: its height and width.
        class_counts: training images of each class.
        scored: the number of images that students are scored on.
        dataset: the dataset, if its files are available.
        missing: why they are not, in one line.
    """

    channels: int
    resolution: int
    class_counts: tuple[int, ...]
    scored: int
    dataset: Dataset | None = None
    missing: str | None = None

    @property
    def classes(self) -> int:
        """Number of classes."""
        return len(self.class_counts)

    @property
    def images(self) -> int:
        """Number of training images."""
        return sum(self.class_counts)

    @property
    def image_values(self) -> int:
        """Number of values in an image."""
        return self.channels * self.resolution**2

    def bytes_in(self, input_space: str) -> int:
        """Main memory of the images of both splits in an input space."""
        whitens = "eps" in input_space_definition(input_space)
        whitened = WHITENED_VALUE * self.images if whitens else 0
        return self.image_values * (self.images + self.scored + whitened)


def data_shape(spec: LabSpec, data_root: Path) -> DataShape:
    """The shape of a lab's dataset, from its files or else as published.

    Raises:
        UserError: for a dataset that is not available and whose size only its files tell.
    """
    try:
        opened = Dataset.open(spec.dataset, spec.dataset_settings, data_root, spec.validation)
    except UserError as reason:
        return _published(spec, data_root, reason)
    scored = len(opened.validation) if opened.validation is not None else opened.test_size
    return DataShape(opened.channels, opened.resolution, opened.class_counts, scored, opened)


def _published(spec: LabSpec, data_root: Path, reason: UserError) -> DataShape:
    plugin = DATASETS[spec.dataset]
    where = f"the dataset {spec.dataset}"
    source = plugin(typed_settings(plugin.Settings, dict(spec.dataset_settings), where), data_root)
    classes = len(getattr(source, "class_names", ()))
    if not classes or not getattr(source, "train_size", 0):
        raise reason
    used = len(chosen_classes(spec.dataset, source) or source.class_names)
    images = source.train_size * used // classes
    held_out = round(images * spec.validation)
    each = (images - held_out) // used
    return DataShape(
        source.channels,
        source.resolution,
        (each,) * used,
        held_out or source.test_size * used // classes,
        missing=str(reason),
    )
