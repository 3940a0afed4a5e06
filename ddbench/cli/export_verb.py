"""`ddbench export`: a distilled set written as other programs read it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from .arguments import words_and_options

SET = "distilled.safetensors"


def export(arguments: Sequence[str]) -> int:
    """Write one set and say what was left out."""
    long = ["--out" if word == "-o" else word for word in arguments]
    words, options = words_and_options(long, ["to", "out", "data_root"])
    if len(words) != 1:
        raise UserError("export what? a run's folder, or a file of a distilled set")
    from ..distilling.exporting.registry import EXPORTERS

    if "to" not in options or "out" not in options:
        raise UserError(f"give --to {'|'.join(EXPORTERS.names())} and -o TARGET")
    EXPORTERS.check(options["to"])
    from ..distilling.distilled_set import DistilledSet
    from ..distilling.exporting.write import exported
    from ..runtime.folders import data_root

    given = Path(words[0])
    distilled = DistilledSet.load(given / SET if given.is_dir() else given)
    target = Path(options["out"])
    lost = exported(distilled, options["to"], target, data_root(options.get("data_root")))
    if lost:
        print(f"note: {options['to']} has no place for {', '.join(lost)}")
    print(f"{target}: {len(distilled)} images of {distilled.dataset}, {distilled.input_space}")
    return 0
