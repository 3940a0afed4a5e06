"""`ddbench export`: a distilled set written as other programs read it."""

from __future__ import annotations

import os
from argparse import Namespace
from pathlib import Path

from ..errors import UserError
from .parser import VerbParser, one_is_needed

SUMMARY = "write a distilled set as other programs read it"
SET = "distilled.safetensors"


def define(parser: VerbParser) -> None:
    """Describe the verb."""
    parser.usage = "ddbench export RUN|FILE --to FORMAT -o TARGET [data_root=FOLDER]"
    parser.description = """\
Writes a distilled set, or that of a finished run, as other programs read it: folder and huggingface
are 8-bit pictures in pixel space, npz, pt, dc and mtt are tensors in the set's own input space.
What a format cannot store is reported. `ddbench list exporters` shows what each writes."""
    parser.epilog = """\
examples
  ddbench export distilled.safetensors --to folder -o pictures
  ddbench export runs/apm-digits-ipc1-short-seed0-9eb021f9d5 --to npz -o set.npz
"""
    parser.words("RUN|FILE", "a run's folder, or a file of a distilled set")
    parser.option("to", "FORMAT", "folder, huggingface, npz, pt, dc or mtt")
    parser.option("out", "TARGET", "what is written", short="-o")
    parser.option("data_root", "FOLDER", "datasets (default: $DDBENCH_DATA, else a cache)")
    parser.set_defaults(work=export)


def export(given: Namespace) -> int:
    """Write one set and say what was left out."""
    if len(given.words) != 1:
        wanted = "a run's folder, or a file of a distilled set"
        raise one_is_needed("export", wanted, given.words)
    from ..distilling.exporting.registry import EXPORTERS

    if not given.to or not given.out:
        raise UserError(f"give --to {'|'.join(EXPORTERS.names())} and -o TARGET")
    EXPORTERS.check(given.to)
    from ..distilling.distilled_set import DistilledSet
    from ..distilling.exporting.write import exported
    from ..runtime.folders import data_root
    from ..store.files import check_target

    path, target = Path(given.words[0]), Path(given.out)
    path = path / SET if os.path.isdir(path) else path
    if EXPORTERS[given.to].suffix:
        check_target(target, "-o TARGET", path)
    distilled = DistilledSet.load(path)
    lost = exported(distilled, given.to, target, data_root(given.data_root))
    if lost:
        print(f"note: {given.to} cannot store {', '.join(lost)}")
    print(f"{target}: {len(distilled)} images of {distilled.dataset}, {distilled.input_space}")
    return 0
