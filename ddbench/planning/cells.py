"""The cells of what is asked for, one run, a sweep or a study, as words of one run each."""

from __future__ import annotations

from collections.abc import Sequence

from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser

from ..runs.compose import check_overrides, study_named
from ..studies.study import load_study, sweeps_with


def cells_of(words: Sequence[str]) -> list[list[str]]:
    """The words of each cell of a sweep, in the order in which Hydra does them.

    Raises:
        UserError: for a mistake in the words.
    """
    check_overrides(words, sweep=True)
    overrides = OverridesParser.create().parse_overrides(list(words))
    batches = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    return [list(cell) for batch in batches for cell in batch]


def asked_cells(words: Sequence[str], sweep: bool) -> list[list[str]]:
    """The words of each cell, each once.

    Args:
        words: as for `ddbench run`.
        sweep: whether they are of a sweep.

    Raises:
        UserError: for a mistake in the words.
    """
    name = study_named(words)
    if name is None:
        cells = cells_of(words) if sweep else [list(words)]
    else:
        given = [word for word in words if not word.startswith("experiment=")]
        cells = [cell for words in sweeps_with(load_study(name), given) for cell in cells_of(words)]
    return [list(cell) for cell in dict.fromkeys(map(tuple, cells))]
