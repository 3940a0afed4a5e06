"""Image data sets of Hugging Face on disk (`save_to_disk`); needs the package datasets.

rethinkdc and others publish such sets: a column of pictures and a column of class ids.
"""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import numpy as np
import torch

from ...errors import UserError
from ..importing.importer import ImportedSet, Importer, labels_of
from ..importing.source import Source

MAX_PICTURES = 200_000


class HuggingFaceFolder(Importer):
    """A folder saved by `datasets`, or one of parquet files."""

    def recognises(self, source: Source) -> int:
        if source.kind == "parquet":
            return 1
        names = ("dataset_info.json", "dataset_dict.json", "*.parquet", "data/*.parquet")
        return 2 if any(source.files(name) for name in names) else 0

    def read(self, source: Source, which: int = -1) -> ImportedSet:
        if find_spec("datasets") is None:
            raise UserError(
                f"{source} is a data set of Hugging Face; `pip install datasets` lets it be read"
            )
        rows = _rows(source)
        if not 1 <= len(rows) <= MAX_PICTURES:
            raise UserError(f"{source} has {len(rows):,} pictures; 1 to {MAX_PICTURES:,} are read")
        image = next((name for name in ("image", "img") if name in rows.column_names), None)
        label = next((n for n in ("label", "labels", "fine_label") if n in rows.column_names), None)
        if image is None or label is None:
            raise UserError(f"{source} has no columns image and label, but {rows.column_names}")
        pixels = [np.asarray(picture.convert("RGB")) for picture in rows[image]]
        if len({one.shape for one in pixels}) != 1:
            raise UserError(f"{source} has pictures of several sizes; they must be alike")
        ids = labels_of(torch.as_tensor(rows[label]), len(pixels), f"{source}: {label}")
        stacked = torch.from_numpy(np.stack(pixels).transpose(0, 3, 1, 2).copy())
        return ImportedSet(stacked, ids, layout="NCHW", input_space="pixels255")


def _rows(source: Source) -> Any:
    """The training split, or the only one."""
    import datasets

    before = datasets.logging.get_verbosity()
    datasets.logging.set_verbosity(datasets.logging.CRITICAL)  # the error below is enough
    try:
        if source.files("dataset_info.json") or source.files("dataset_dict.json"):
            loaded = datasets.load_from_disk(str(source.path))
        else:
            files = [source.path] if source.kind == "parquet" else source.files("*.parquet")
            found = [str(file) for file in files or source.files("data/*.parquet")]
            loaded = datasets.Dataset.from_parquet(found, keep_in_memory=True)
    except Exception as error:  # the library also raises its dependencies' errors
        reason = " ".join(str(error).split())[:120]
        raise UserError(f"{source} cannot be read as a data set ({reason})") from error
    finally:
        datasets.logging.set_verbosity(before)
    return loaded.get("train", next(iter(loaded.values()))) if isinstance(loaded, dict) else loaded
