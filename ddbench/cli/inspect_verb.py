"""`ddbench inspect`: what is in a released file, and what must be said to import it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import UserError
from .arguments import words_and_options

if TYPE_CHECKING:
    from torch import Tensor

OPTIONS = ("picture", "dataset", "data_root")
WHITENINGS = ("zca", "zca_relative", "zca_per_image")


def inspect(arguments: Sequence[str]) -> int:
    """Print what is found; draw the images under each plausible space where asked to."""
    words, options = words_and_options(arguments, OPTIONS)
    if len(words) != 1:
        raise UserError(
            "inspect what? one file or folder, such as `ddbench inspect images_best.pt`"
        )
    from ..distilling.importing.inspecting import as_first, inspected

    made, lines = inspected(words[0])
    print("\n".join(lines))
    if "picture" in options:
        from ..distilling.importing.picture import spaces_png
        from ..store.files import write_bytes

        images = as_first(made.images, made.layout)
        undone = _undone(images, options) if "dataset" in options else {}
        write_bytes(Path(options["picture"]), spaces_png(images, undone))
        print(f"picture: {options['picture']}")
    return 0


def _undone(images: Tensor, options: dict[str, str]) -> dict[str, Tensor]:
    """Pixels of the images under each whitening of a dataset; fitting one takes a minute."""
    from ..data.dataset import Dataset
    from ..data.input_space import fit_input_space
    from ..runtime.folders import data_root

    dataset = Dataset.open(options["dataset"], {}, data_root(options.get("data_root")))
    shape = (dataset.channels, dataset.resolution, dataset.resolution)
    if tuple(images.shape[1:]) != shape:
        raise UserError(f"images of {dataset.name} are {shape}, not {tuple(images.shape[1:])}")
    spaces = (fit_input_space(n, dataset.train.images, None, None) for n in WHITENINGS)
    return {space.name: space.inverse(images) for space in spaces}
