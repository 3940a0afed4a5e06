"""Reading a distilled set from a file of ddbench or from a released one."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ...data.dataset import Dataset
from ...errors import UserError, shortened
from ..distilled_set import DistilledSet
from .choice import choice_from_text, family, missing
from .convert import Import, import_set
from .recognising import importer_of
from .source import Source


def read_file(
    path: str | Path,
    options: Mapping[str, str],
    like: str | None,
    root: Path,
    dataset_settings: Mapping[str, Any] | None = None,
) -> Import:
    """Read the set in a file or folder, in the input space that its students see.

    Args:
        path: path of a file of ddbench, or of a released file or folder.
        options: facts that the file does not state, by the names of `ImportChoice`; a file of
            ddbench states everything, and options must not contradict it or add to it.
        like: the family of a released set.
        root: the datasets folder.
        dataset_settings: settings of the dataset that the set was distilled from.

    Raises:
        UserError: if the set cannot be read, or facts are missing; one line.
    """
    choice = choice_from_text(dict(options))
    # First, so that a misspelt family is reported before missing facts are.
    own = family(like, choice.dataset) if like else None
    source = Source(path)
    name, importer = importer_of(source)
    if source.kind == "safetensors":  # ddbench's only format; others may take long to read
        finished = importer.read(source).finished
        if finished is not None:
            _check_says(finished, {**({"like": like} if like else {}), **options}, source)
            return Import(finished, name)
    if choice.dataset is None:
        raise missing(["dataset"], str(path))
    dataset = Dataset.open(choice.dataset, dataset_settings or {}, root)
    return import_set(source, choice, dataset, own)


def _check_says(distilled: DistilledSet, options: Mapping[str, str], source: Source) -> None:
    """Reject options that a file of ddbench does not state itself."""
    known = {"dataset": distilled.dataset, "input_space": distilled.input_space}
    for name, value in options.items():
        if name not in known:
            told = f"{name}={shortened(value)}"
            raise UserError(f"{source}: {told}: a file of ddbench says everything itself")
        if value != known[name]:
            told = f"the distilled set says {name}={known[name]}"
            raise UserError(f"{name}={shortened(value)}: {told}")
