"""A file with a distilled set in it, whoever wrote it: our own, or a released one."""

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
    """The set of a file or folder, in the input space that its students see.

    Args:
        path: of a file of ddbench, or of what somebody else released.
        options: what the file does not say, by the names of `ImportChoice`; a file of ddbench says
            everything, and may be told nothing but what it says.
        like: the family of a released set.
        root: the folder of datasets.
        dataset_settings: of the dataset that it was distilled from.

    Raises:
        UserError: for what cannot be read, and for facts that must be said: one line.
    """
    choice = choice_from_text(dict(options))
    # First, so that a misspelt family is said before anything is asked.
    own = family(like, choice.dataset) if like else None
    source = Source(path)
    name, importer = importer_of(source)
    if source.kind == "safetensors":  # no other file is one of ddbench, and many are long to read
        finished = importer.read(source).finished
        if finished is not None:
            _check_says(finished, {**({"like": like} if like else {}), **options}, source)
            return Import(finished, name)
    if choice.dataset is None:
        raise missing(["dataset"], str(path))
    dataset = Dataset.open(choice.dataset, dataset_settings or {}, root)
    return import_set(source, choice, dataset, own)


def _check_says(distilled: DistilledSet, options: Mapping[str, str], source: Source) -> None:
    """Refuse what a file of ddbench does not say itself."""
    known = {"dataset": distilled.dataset, "input_space": distilled.input_space}
    for name, value in options.items():
        if name not in known:
            told = f"{name}={shortened(value)}"
            raise UserError(f"{source}: {told}: a file of ddbench says everything itself")
        if value != known[name]:
            told = f"the distilled set says {name}={known[name]}"
            raise UserError(f"{name}={shortened(value)}: {told}")
