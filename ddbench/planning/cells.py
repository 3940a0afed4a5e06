"""The cells of a run, a sweep or a study, each as the words of one run."""

from __future__ import annotations

from collections.abc import Sequence

from ..runs.compose import checked_words
from ..runs.grid import grid
from ..runs.option_groups import study_named
from ..studies.study import load_study, sweeps_with


def asked_cells(words: Sequence[str], sweep: bool) -> list[tuple[str, ...]]:
    """The words of each distinct cell.

    Args:
        words: as for `ddbench run`.
        sweep: whether they describe a sweep.

    Raises:
        UserError: for a mistake in the words.
    """
    name = study_named(words)
    if name is None:
        cells = _swept(words) if sweep else [tuple(words)]
    else:
        given = [word for word in words if not word.startswith("experiment=")]
        cells = [cell for words in sweeps_with(load_study(name), given) for cell in _swept(words)]
    return list(dict.fromkeys(cells))


def _swept(words: Sequence[str]) -> list[tuple[str, ...]]:
    checked_words(words, sweep=True)  # keys are looked up when a cell is composed
    return list(grid(words).cells)
