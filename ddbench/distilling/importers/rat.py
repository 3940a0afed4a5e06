""".h5 files of RaT-BPTT: flat images and learned labels; needs the package h5py.

fengyzpku/Simple_Dataset_Distillation: `data` (N, C*H*W) and `label` (N, classes).
"""

from __future__ import annotations

import math
from importlib.util import find_spec
from typing import Any

from ...errors import UserError
from ..importing.importer import ImportedSet, Importer, images_of, labels_of
from ..importing.source import Source

MAX_GROWTH = 20
"""Largest ratio of an HDF5 dataset's size to the size of its file."""


class FlatImages(Importer):
    """Two datasets of one HDF5 file."""

    def recognises(self, source: Source) -> int:
        return 2 if source.kind == "hdf5" else 0

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        if find_spec("h5py") is None:
            raise UserError(f"{source} is an HDF5 file; `pip install h5py` lets it be read")
        import h5py

        try:
            with h5py.File(source.path, "r") as file:
                images, labels = (_array(file, name, source) for name in ("data", "label"))
        except (OSError, RuntimeError, KeyError, ValueError) as error:
            reason = " ".join(str(error).split())[:100]
            raise UserError(f"{source} is not a readable HDF5 file ({reason})") from None
        if images.ndim == 2:
            images = images.reshape(len(images), *_shape(images.shape[1], source))
        found = images_of(images, f"{source}: data")
        return ImportedSet(found, labels_of(labels, len(found), f"{source}: label"))


def _array(file: Any, name: str, source: Source) -> Any:
    """An HDF5 dataset stored in the file itself, neither linked nor virtual."""
    import h5py

    link = file.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink) or not isinstance(file[name], h5py.Dataset):
        raise UserError(f"{source}: it has no data set {name!r} of its own")
    stored = file[name]
    if stored.is_virtual or stored.external or stored.dtype.kind not in "buif":
        raise UserError(f"{source}: {name!r} lies in other files, or is not of numbers")
    assert source.path is not None
    if stored.size * stored.dtype.itemsize > MAX_GROWTH * source.path.stat().st_size:
        raise UserError(f"{source}: {name!r} claims the shape {stored.shape}, absurdly many")
    return stored[()]


def _shape(values: int, source: Source) -> tuple[int, int, int]:
    """Channels, height and width of a square image with this many values."""
    for channels in (3, 1):
        side = math.isqrt(values // channels)
        if channels * side * side == values:
            return channels, side, side
    raise UserError(f"{source}: images of {values} values are not square")
