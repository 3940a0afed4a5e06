"""`ddbench import`: convert a released set to a file of ddbench."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ..errors import UserError
from .import_options import define_import_options, said_of_the_set
from .parser import VerbParser, is_setting, one_is_needed

SUMMARY = "make a file of ddbench from a set that others released"


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = (
        "ddbench import FILE -o SET.safetensors --dataset NAME [--like FAMILY] [--OPTION VALUE ...]"
    )
    parser.description = """\
Reads a released set and writes it as a file of ddbench, in the input space that its
students see. Give what the file does not say; a family knows what is always true of its files. The
file's code is never run."""
    parser.epilog = """\
examples
  ddbench import res_DM_CIFAR10_ConvNet_1ipc.pt --like dm --dataset cifar10 -o dm.safetensors
  ddbench import images_best.pt --like mtt_zca --dataset cifar10 -o set.safetensors
"""
    parser.keys_beginning = ("dataset.",)
    parser.words("FILE", "a file or folder")
    parser.option("out", "SET.safetensors", "what is written", short="-o")
    define_import_options(parser)
    parser.option("data_root", "FOLDER", "datasets (default: $DDBENCH_DATA, else a cache)")
    parser.set_defaults(work=import_file)


def import_file(given: Namespace) -> int:
    """Read, convert and write one set, and print what was found."""
    files = [word for word in given.words if not is_setting(word)]
    if len(files) != 1:
        wanted = "one file or folder, such as `ddbench import images_best.pt`"
        raise one_is_needed("import", wanted, files)
    if not given.out:
        raise UserError("import needs -o FILE.safetensors")
    from ..distilling.importing.inspecting import accuracy_in_words
    from ..runs.overrides import as_overrides
    from ..runs.score_file import set_from_file
    from ..store.files import check_target, write_bytes

    target = Path(given.out)
    check_target(target, "-o FILE", Path(files[0]))
    keys = [word for word in given.words if is_setting(word)]
    keys += as_overrides({"data_root": given.data_root})
    done = set_from_file(files[0], keys, said_of_the_set(given), given.like)
    write_bytes(target, done.distilled.to_bytes())
    for line in done.notes:
        print(f"note: {line}")
    for network, values in done.recorded.items():
        print(f"recorded by its authors, {network}: {accuracy_in_words(values)}")
    made = done.distilled
    rate = "" if made.learned_rate is None else f", learned rate {made.learned_rate:.4g}"
    labels = f"{made.soft_label_kind}" if made.soft_labels is not None else "class ids"
    print(f"{target}: {len(made)} images of {made.dataset}, {labels}, {made.input_space}{rate}")
    return 0
