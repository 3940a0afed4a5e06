"""`ddbench import`: a released set made a file of ddbench."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from ..errors import UserError
from .parser import VerbParser

SUMMARY = "make a file of ddbench from a set that others released"


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = (
        "ddbench import FILE -o SET.safetensors --dataset NAME [--like FAMILY] [--OPTION VALUE ...]"
    )
    parser.description = """\
Reads a set that somebody released and writes it as a file of ddbench, in the input space that its
students see. What the file does not say must be said; a family says what its files always are. No
code of the file is run."""
    parser.epilog = """\
examples
  ddbench import res_DM_CIFAR10_ConvNet_1ipc.pt --like dm --dataset cifar10 -o dm.safetensors
  ddbench import images_best.pt --like mtt_zca --dataset cifar10 -o set.safetensors
"""
    parser.words("FILE", "a file or folder")
    parser.option("out", "SET.safetensors", "what is written", short="-o")
    parser.option(
        "like", "FAMILY", "such as dc, dm, mtt_zca, datm, kip; `ddbench inspect FILE` lists them"
    )
    parser.option("dataset", "NAME", "that the set was distilled from")
    parser.option(
        "input_space",
        "NAME",
        "pixels, pixels255, normalised, normalised:NAME, normalised:M,M,M/S,S,S, zca, "
        "zca_relative or zca_per_image",
    )
    parser.option("layout", "L", "NCHW or NHWC")
    parser.option("label_kind", "K", "logits, probabilities or targets")
    parser.option("ids", "HOW", "argmax or blocks, where the file has no class ids")
    parser.option("class_order", "ORDER", "dataset, text, or NAME,NAME,...")
    parser.option("which", "N", "of several sets, counted from 0, or last")
    parser.option("tiles", "F", "factor of the decoder")
    parser.option("learned_rate", "R", "of students")
    parser.option("students_see", "NAME", "the space that pixels are brought to")
    parser.option("data_root", "FOLDER", "datasets (default: $DDBENCH_DATA, else a cache)")
    parser.set_defaults(work=import_file)


def import_file(given: Namespace) -> int:
    """Read, convert and write one set, and say what was found."""
    if len(given.words) != 1:
        raise UserError("import what? one file or folder, such as `ddbench import images_best.pt`")
    if not given.out:
        raise UserError("import to where? give -o FILE.safetensors")
    from ..data.dataset import Dataset
    from ..distilling.importing.choice import OPTIONS, choice_from_text, family, missing
    from ..distilling.importing.convert import import_set
    from ..distilling.importing.inspecting import accuracy_in_words
    from ..distilling.importing.recognising import read_set
    from ..distilling.importing.source import Source
    from ..runtime.folders import data_root
    from ..store.files import check_writable, write_bytes

    (path,) = given.words
    options = {name: getattr(given, name) for name in OPTIONS if getattr(given, name) is not None}
    choice = choice_from_text(options)
    source = Source(path)
    like = family(given.like, choice.dataset) if given.like else None
    name = choice.dataset
    if name is None:
        finished = read_set(source)[1].finished
        if finished is None:
            raise missing(["dataset"], path)
        name = finished.dataset
    target = Path(given.out)
    check_writable(target.absolute().parent, "-o FILE")
    dataset = Dataset.open(name, {}, data_root(given.data_root))
    done = import_set(path, choice, dataset, like)
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
