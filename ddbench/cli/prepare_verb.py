"""`ddbench prepare`: fetch or convert a dataset's files."""

from __future__ import annotations

from collections.abc import Sequence

from ..errors import UserError, unknown_name
from ..folders import data_root
from ..plugins import DATASETS
from ..store.files import check_writable


def prepare(arguments: Sequence[str]) -> int:
    """Prepare one dataset and say where it is."""
    options = dict(word.split("=", 1) for word in arguments if "=" in word)
    names = [word for word in arguments if "=" not in word]
    if len(names) != 1:
        raise UserError("prepare what? one dataset, such as `ddbench prepare cifar10`")
    for option in options:
        if option != "data_root":
            raise unknown_name("option", option, ["data_root"])
    plugin = DATASETS[names[0]]
    root = data_root(options.get("data_root"))
    check_writable(root, "data_root=FOLDER or DDBENCH_DATA")
    print(plugin(plugin.Settings(), root).prepare())
    return 0
