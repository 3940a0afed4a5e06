"""`ddbench prepare`: fetch or convert a dataset's files."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

from ..errors import UserError, unknown_name
from ..folders import data_root
from ..plugins import DATASETS
from ..settings import typed_settings
from ..store.files import check_writable

_PREFIX = "dataset."


def prepare(arguments: Sequence[str]) -> int:
    """Prepare one dataset and say where it is."""
    options = dict(word.split("=", 1) for word in arguments if "=" in word)
    names = [word for word in arguments if "=" not in word]
    if len(names) != 1:
        raise UserError("prepare what? one dataset, such as `ddbench prepare cifar10`")
    given = {}
    for option, text in options.items():
        if option.startswith(_PREFIX):
            given[option.removeprefix(_PREFIX)] = _value(text)
        elif option != "data_root":
            raise unknown_name("option", option, ["data_root", "dataset.SETTING"])
    plugin = DATASETS[names[0]]
    settings = typed_settings(plugin.Settings, given, f"dataset {names[0]}")
    root = data_root(options.get("data_root"))
    check_writable(root, "data_root=FOLDER or DDBENCH_DATA")
    print(plugin(settings, root).prepare())
    return 0


def _value(text: str) -> object:
    """A number where the text is one, as on the command line of `run`; else the text itself."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return value if isinstance(value, int | float | bool) or value is None else text
