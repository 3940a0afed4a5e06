"""`ddbench import`: a released set made a file of ddbench."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..errors import UserError
from .arguments import words_and_options


def import_file(arguments: Sequence[str]) -> int:
    """Read, convert and write one set, and say what was found."""
    from ..distilling.importing.choice import OPTIONS, choice_from_text, family, missing

    words, options = words_and_options(_with_long_names(arguments), _names(OPTIONS))
    if len(words) != 1:
        raise UserError("import what? one file or folder, such as `ddbench import images_best.pt`")
    if "out" not in options:
        raise UserError("import to where? give -o FILE.safetensors")
    choice = choice_from_text(options)
    like = family(options["like"], choice.dataset) if "like" in options else None
    from ..data.dataset import Dataset
    from ..distilling.importing.convert import import_set
    from ..distilling.importing.inspecting import accuracy_in_words
    from ..distilling.importing.recognising import read_set
    from ..distilling.importing.source import Source
    from ..runtime.folders import data_root
    from ..store.files import check_writable, write_bytes

    source = Source(words[0])
    name = choice.dataset
    if name is None:
        finished = read_set(source)[1].finished
        if finished is None:
            raise missing(["dataset"], words[0])
        name = finished.dataset
    target = Path(options["out"])
    check_writable(target.absolute().parent, "-o FILE")
    dataset = Dataset.open(name, {}, data_root(options.get("data_root")))
    done = import_set(words[0], choice, dataset, like)
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


def _names(choices: tuple[str, ...]) -> list[str]:
    return [*choices, "like", "out", "data_root"]


def _with_long_names(arguments: Sequence[str]) -> list[str]:
    return ["--out" if word == "-o" else word for word in arguments]
