"""The cells of a sweep: all combinations of the values given on the command line."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hydra.core.override_parser.types import Glob, Override

from ..errors import UserError, shortened
from .compose import is_of_hydra
from .option_groups import choices_of
from .overrides import check_is_one_value, parsed


@dataclass(frozen=True)
class Grid:
    """The runs of a sweep.

    Args:
        cells: the overrides of each run, the last key varying fastest.
        launching: the overrides for Hydra and its launchers.
    """

    cells: tuple[tuple[str, ...], ...]
    launching: tuple[str, ...]


def grid(words: Sequence[str]) -> Grid:
    """The cells of a sweep, from overrides that have been checked.

    Raises:
        UserError: for several values of one of Hydra's own settings, and for settings of Hydra's
            sweepers.
    """
    items = [parsed(word) for word in words]
    launching = [item for item in items if is_of_hydra(item)]
    for item in launching:
        check_is_one_value(item)
        if item.key_or_group.replace("/", ".").startswith("hydra.sweeper"):
            raise UserError(
                f"{shortened(item.input_line or '')}: a sweep goes over all combinations of its "
                "values by itself; of Hydra's settings it takes those of launchers and jobs"
            )
    values: dict[str, list[str]] = {}
    for item in items:
        if not is_of_hydra(item):
            key = item.get_key_element()
            values[key] = [f"{key}={value}" for value in _values(item)]
    return Grid(
        tuple(itertools.product(*values.values())),
        tuple(item.input_line or "" for item in launching),
    )


def _values(item: Override) -> Iterable[str]:
    """The values as written; a pattern gives the names that it matches."""
    if not item.is_sweep_override():
        return [item.get_value_element_as_str()]
    if isinstance(item.value(), Glob):
        return [name for (name,) in choices_of(item)]
    return [str(value) for value in item.sweep_string_iterator()]
