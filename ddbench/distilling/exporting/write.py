"""Writing a set in a given format, as pixels if the format requires them."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from ...data.dataset import Dataset
from ...data.fit_input_space import fit_input_space
from ...data.input_space import InputSpace, input_space_definition
from ...errors import UserError
from ...store.files import check_writable
from ..distilled_set import DistilledSet
from .exporter import pixels_of
from .registry import EXPORTERS


def exported(distilled: DistilledSet, name: str, target: Path, root: Path) -> list[str]:
    """Write a set, and return what the format could not store.

    Args:
        distilled: the set.
        name: name of the format.
        target: a file, or a folder that is empty or does not exist.
        root: the datasets folder, needed to invert a whitening.

    Raises:
        UserError: for an unknown format, a target that cannot be written, or an input space that
            cannot be inverted here.
    """
    exporter = EXPORTERS[name]()
    folder = target.absolute() if not exporter.suffix else target.absolute().parent
    if not exporter.suffix and target.is_dir() and any(target.iterdir()):
        raise UserError(f"{target} is a folder with something in it; choose a new one with -o")
    if exporter.suffix and target.is_dir():
        raise UserError(
            f"{target} is a folder; {name} writes one file, such as set{exporter.suffix}"
        )
    lost = exporter.lost(distilled)
    pixels = None
    if exporter.is_pixels:
        space = space_of(distilled, root)
        pixels = pixels_of(distilled, space)
        if leaves_the_range(distilled.images, space):
            lost.append("values outside the range of pixels")
    check_writable(folder, "-o TARGET")
    exporter.write(distilled, pixels, target)
    return lost


def leaves_the_range(images: Tensor, space: InputSpace) -> bool:
    """Whether clamping to pixels in [0, 1] would change these images."""
    pixels = space.unclamped(images.to(space.mean.device))
    half_a_level = 0.5 / 255
    return bool(pixels.min() < -half_a_level or pixels.max() > 1 + half_a_level)


def space_of(distilled: DistilledSet, root: Path) -> InputSpace:
    """The input space of a set: from its own statistics, or a whitening refitted and checked.

    Raises:
        UserError: if the dataset's files are missing, or give a different space.
    """
    name, mean, std = distilled.input_space, distilled.channel_mean, distilled.channel_std
    is_normalised = input_space_definition(name)["name"] == "normalised"
    if is_normalised and mean is not None and std is not None:
        return InputSpace(name, mean, std, std)
    dataset = Dataset.open(distilled.dataset, {}, root)
    source = dataset.source
    space = fit_input_space(name, dataset.train.images, source.mean, source.std)
    if distilled.space_fingerprint is None or not space.matches(distilled.space_fingerprint):
        raise UserError(f"the set's input space {name!r} is not the one fitted to the data here")
    return space
