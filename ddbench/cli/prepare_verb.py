"""`ddbench prepare`: fetch or convert a dataset's files."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UserError
from ..folders import data_root
from ..plugins import DATASETS
from ..store.files import check_writable
from .words import words_and_options


def prepare(arguments: Sequence[str]) -> int:
    """Prepare one dataset and say where it is."""
    names, options = words_and_options(arguments, ["data_root"])
    if len(names) != 1:
        raise UserError("prepare what? one dataset, such as `ddbench prepare cifar10`")
    plugin = DATASETS[names[0]]
    root = data_root(options.get("data_root"))
    check_writable(root, "data_root=FOLDER or DDBENCH_DATA")
    print(plugin(plugin.Settings(), root).prepare())
    return 0
