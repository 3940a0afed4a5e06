"""`ddbench prepare`: fetch or convert a dataset's files."""

from __future__ import annotations

import dataclasses
from argparse import Namespace
from pathlib import Path

from ..errors import UserError, unknown_name
from .parser import VerbParser

SUMMARY = "fetch or convert a dataset's files"
TABLE = "nas_bench_201"
"""What can be prepared besides datasets: the ground truth of an architecture benchmark."""
_PREFIX = "dataset."


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = """\
ddbench prepare DATASET [data_root=FOLDER] [dataset.SETTING=V ...]
       ddbench prepare nas_bench_201 [source=FILE] [data_root=FOLDER]"""
    parser.description = """\
Downloads a dataset, or converts files that lie in data_root already, and checks them. Given again,
it continues what was interrupted, and checks what is finished.

nas_bench_201 is the truth that architectures are ranked against: a table made once from the
benchmark's own file, NAS-Bench-201-v1_1-096897.pth, or from a CSV with its accuracies."""
    parser.epilog = """\
examples
  ddbench prepare cifar10
  ddbench prepare nas_bench_201 source=NAS-Bench-201-v1_1-096897.pth
  ddbench prepare cifar10 data_root=/data
"""
    parser.keys_beginning = (_PREFIX,)
    parser.words("DATASET", "and its settings, such as dataset.path=FOLDER for image_folder")
    parser.option("data_root", "FOLDER", "of datasets (default: $DDBENCH_DATA, else a cache)")
    parser.option("source", "FILE", "what nas_bench_201 is made from")
    parser.set_defaults(work=prepare)


def prepare(given: Namespace) -> int:
    """Prepare one dataset, or the table of NAS-Bench-201, and say where it is."""
    from ..runtime.folders import data_root

    names = [word for word in given.words if "=" not in word]
    settings = dict(word.split("=", 1) for word in given.words if "=" in word)
    root = data_root(given.data_root)
    if TABLE in names:
        from ..models.nas_bench_201.table import prepare_table

        if names != [TABLE]:
            raise UserError(f"prepare {TABLE} needs one file, such as source=nasbench201.csv")
        for name in settings:
            raise unknown_name("option", name, ["source", "data_root"])
        print(prepare_table(root, given.source))
        return 0
    if len(names) != 1:
        raise UserError("prepare needs one dataset, such as `ddbench prepare cifar10`")
    if given.source is not None:
        raise UserError(f"source: only `ddbench prepare {TABLE}` takes this option")
    print(_prepare_dataset(names[0], settings, root))
    return 0


def _prepare_dataset(name: str, given: dict[str, str], root: Path) -> str:
    """Prepare a dataset with settings named "dataset.NAME"; returns what was done, in words."""
    from ..data.registry import DATASETS
    from ..plugins.settings import typed_settings
    from ..store.files import check_writable

    plugin = DATASETS[name]
    known = [_PREFIX + item.name for item in dataclasses.fields(plugin.Settings)]
    for key in given:
        if key not in known:
            raise unknown_name("option", key, ["data_root", *known])
    values = {key.removeprefix(_PREFIX): _value(text) for key, text in given.items()}
    settings = typed_settings(plugin.Settings, values, f"dataset {name}")
    check_writable(root, "data_root=FOLDER or DDBENCH_DATA")
    return plugin(settings, root).prepare()


def _value(text: str) -> object:
    """A number or a list where the text is one, as for `run`; else the text itself."""
    import yaml

    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        return text
    return value if isinstance(value, int | float | bool | list) or value is None else text
