"""`ddbench prepare`: fetch or convert a dataset's files."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import yaml

from ..data.registry import DATASETS
from ..errors import UserError
from ..plugins.settings import typed_settings
from ..runtime.folders import data_root
from ..store.files import check_writable
from .arguments import words_and_options

TABLE = "nas_bench_201"
"""What can be prepared besides datasets: the truth of a benchmark of architectures."""
_PREFIX = "dataset."


def prepare(arguments: Sequence[str]) -> int:
    """Prepare one dataset and say where it is."""
    names = [word for word in arguments if "=" not in word]
    if TABLE in names:
        return _prepare_table(arguments)
    if len(names) != 1:
        raise UserError("prepare what? one dataset, such as `ddbench prepare cifar10`")
    plugin = DATASETS[names[0]]
    own = [_PREFIX + item.name for item in dataclasses.fields(plugin.Settings)]
    _, options = words_and_options(arguments, ["data_root", *own])
    given = {name.removeprefix(_PREFIX): _value(options[name]) for name in own if name in options}
    settings = typed_settings(plugin.Settings, given, f"dataset {names[0]}")
    root = data_root(options.get("data_root"))
    check_writable(root, "data_root=FOLDER or DDBENCH_DATA")
    print(plugin(settings, root).prepare())
    return 0


def _prepare_table(arguments: Sequence[str]) -> int:
    """Prepare the table of NAS-Bench-201; its source is a file."""
    from ..models.nas_bench_201.table import prepare_table

    words, options = words_and_options(arguments, ["source", "data_root"])
    if words != [TABLE]:
        raise UserError(f"prepare {TABLE} from what? one file, such as source=nasbench201.csv")
    print(prepare_table(data_root(options.get("data_root")), options.get("source")))
    return 0


def _value(text: str) -> object:
    """A number where the text is one, as on the command line of `run`; else the text itself."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return value if isinstance(value, int | float | bool) or value is None else text
