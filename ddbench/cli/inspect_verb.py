"""`ddbench inspect`: what is in a released file, and what must be given to import it."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from .parser import VerbParser, one_is_needed

if TYPE_CHECKING:
    from torch import Tensor

    from ..data.dataset import Dataset

SUMMARY = "what is in a released set, and what must be given to import it"
WHITENINGS = ("zca", "zca_relative", "zca_per_image")


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = "ddbench inspect FILE [--picture FILE.png] [--dataset NAME] [data_root=FOLDER]"
    parser.description = """\
Says what is in a file or folder that somebody released: shapes, ranges, labels, accuracies that the
authors recorded, what can be inferred, and what a person must say. No code of the file is run."""
    parser.epilog = """\
examples
  ddbench inspect images_best.pt
  ddbench inspect images_best.pt --picture spaces.png
"""
    parser.words("FILE", "a file or folder")
    parser.option("picture", "FILE.png", "draw the images under each space they might be in")
    parser.option("dataset", "NAME", "draw each whitening of this dataset undone, too")
    parser.option("data_root", "FOLDER", "datasets (default: $DDBENCH_DATA, else a cache)")
    parser.set_defaults(work=inspect)


def inspect(given: Namespace) -> int:
    """Print what is found; if asked to, draw the images under each plausible space."""
    if len(given.words) != 1:
        wanted = "one file or folder, such as `ddbench inspect images_best.pt`"
        raise one_is_needed("inspect", wanted, given.words)
    from ..distilling.importing.inspecting import as_first, inspected
    from ..store.files import check_target, write_bytes

    if given.picture:
        check_target(Path(given.picture), "picture=FILE.png", Path(given.words[0]))
    elif given.dataset:
        raise UserError("dataset: whitenings are drawn undone, so give picture=FILE.png, too")
    if given.dataset:
        _opened(given.dataset, given.data_root)
    made, lines = inspected(given.words[0])
    print("\n".join(lines))
    if given.picture:
        from ..distilling.importing.picture import spaces_png

        images = as_first(made.images, made.layout)
        undone = _undone(images, given.dataset, given.data_root) if given.dataset else {}
        write_bytes(Path(given.picture), spaces_png(images, undone))
        print(f"picture: {given.picture}")
    return 0


def _undone(images: Tensor, name: str, root: str | None) -> dict[str, Tensor]:
    """The images with each whitening of a dataset undone; fitting one takes a minute."""
    from ..data.fit_input_space import fit_input_space

    dataset = _opened(name, root)
    shape = (dataset.channels, dataset.resolution, dataset.resolution)
    if tuple(images.shape[1:]) != shape:
        raise UserError(f"images of {dataset.name} are {shape}, not {tuple(images.shape[1:])}")
    spaces = (fit_input_space(n, dataset.train.images, None, None) for n in WHITENINGS)
    return {space.name: space.inverse(images) for space in spaces}


def _opened(name: str, root: str | None) -> Dataset:
    from ..data.dataset import Dataset
    from ..runtime.folders import data_root

    return Dataset.open(name, {}, data_root(root))
