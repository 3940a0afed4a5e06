"""Effects in a two-level full factorial design, computed network by network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

Cell = tuple[bool, ...]
"""For each factor, whether it is at its high level."""
Responses = Mapping[Cell, Sequence[float]]
"""For every cell of the design, one value per network, with the same networks in each."""


def effect(responses: Responses, factor: int) -> tuple[float, ...]:
    """The main effect of a factor: the mean of the cells at its high level less that at its low.

    G. E. P. Box, J. S. Hunter and W. G. Hunter, "Statistics for experimenters" (2005), chapter 5.

    Args:
        responses: of all cells; a factor with the same level in all is not part of the design.
        factor: its index in a cell.

    Returns:
        One value per network.
    """
    return _less(_mean(responses, {factor: True}), _mean(responses, {factor: False}))


def interaction(responses: Responses, first: int, second: int) -> tuple[float, ...]:
    """Half the change of a factor's effect from the low to the high level of another.

    It is symmetric in the two factors.

    Args:
        responses: of all cells.
        first: index of a factor in a cell.
        second: that of another.

    Returns:
        One value per network.
    """
    high, low = (
        {cell: values for cell, values in responses.items() if cell[second] is level}
        for level in (True, False)
    )
    return tuple(d / 2 for d in _less(effect(high, first), effect(low, first)))


def _mean(responses: Responses, levels: Mapping[int, bool]) -> list[float]:
    """The mean over the cells at certain levels, network by network."""
    chosen = [
        values
        for cell, values in responses.items()
        if all(cell[factor] is level for factor, level in levels.items())
    ]
    return [sum(each) / len(each) for each in zip(*chosen, strict=True)]


def _less(high: Sequence[float], low: Sequence[float]) -> tuple[float, ...]:
    return tuple(a - b for a, b in zip(high, low, strict=True))
