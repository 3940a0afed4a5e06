"""The 15,625 cells of NAS-Bench-201: their strings, and their order in the benchmark.

X. Dong and Y. Yang, "NAS-Bench-201: Extending the Scope of Reproducible Neural Architecture
Search" (ICLR 2020). A cell has four nodes and one operation on each of the six edges between them:

    |op~0|+|op~0|op~1|+|op~0|op~1|op~2|

The k-th group is node k; `op~j` is the operation on the edge that comes from node j.
"""

from __future__ import annotations

import itertools
import math
import random
import re
from collections.abc import Mapping
from functools import cache

from ...errors import UserError

TITLE = "NAS-Bench-201"
DECIMALS = 4
Rows = Mapping[str, Mapping[str, float]]
"""Accuracies in percent by cell string and column; what was not measured is left out."""

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((0, 1), (0, 2), (1, 2), (0, 3), (1, 3), (2, 3))
"""(from, to) of each edge, in the order of the string."""
CELLS = len(OPERATIONS) ** len(EDGES)

Cell = tuple[str, ...]
"""The operation of each edge, in the order of `EDGES`."""

_SHUFFLE_SEED = 88  # used by the benchmark's authors to shuffle the cells before numbering them
_FORM = "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|"
_LONGEST = 200
_PATTERN = re.compile(
    _FORM.replace("|", r"\|").replace("+", r"\+").replace("{}", f"({'|'.join(OPERATIONS)})")
)
_INDEX = re.compile(r"[0-9]{1,5}")


def cell_string(cell: Cell) -> str:
    """The benchmark's string of a cell."""
    return _FORM.format(*cell)


def parse_cell(text: str) -> Cell:
    """The cell of a string, or of an index in the benchmark's order, written in digits.

    Raises:
        UserError: for anything else.
    """
    if _INDEX.fullmatch(text) and int(text) < CELLS:
        text = cell_strings()[int(text)]
    match = _PATTERN.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        raise UserError(
            f"{text[:_LONGEST]!r} is not a cell of NAS-Bench-201: an index 0..{CELLS - 1}, or "
            f"{_FORM.format(*['OP'] * len(EDGES))} with OP one of {', '.join(OPERATIONS)}"
        )
    return match.groups()


@cache
def cell_strings() -> tuple[str, ...]:
    """The strings of all cells by their index in the benchmark."""
    strings = [cell_string(cell) for cell in itertools.product(OPERATIONS, repeat=len(EDGES))]
    random.Random(_SHUFFLE_SEED).shuffle(strings)
    return tuple(strings)


@cache
def cell_indices() -> dict[str, int]:
    """The index of each string in the benchmark."""
    return {text: index for index, text in enumerate(cell_strings())}


def check_percent(value: float, column: str, where: str) -> float:
    """Check an accuracy in percent and return it.

    Raises:
        UserError: if it is not one.
    """
    if not (math.isfinite(value) and 0 <= value <= 100):
        raise UserError(f"{where}: {column}={value} is not an accuracy in percent (0 to 100)")
    return value
