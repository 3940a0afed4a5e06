"""The pictures of a measurement: ratios as points with their quartiles, growth on log axes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..figures import new_figure, series_style
from .measure import Measured, Quartiles
from .session import Bench

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MEGA = 1e6


def picture(bench: Bench) -> Figure | None:
    """One figure of all that was measured; None if there is nothing to show."""
    if bench.growth:
        return _growth(bench)
    rows = bench.measured
    panels: list[tuple[str, Callable[[Measured], Sequence[float]]]] = [
        ("times the floor", lambda one: one.ratios_to_floor),
        ("times as fast as the other", lambda one: one.ratios_to_other),
    ]
    shown = [(title, of) for title, of in panels if any(of(one) for one in rows)]
    if not shown:
        return None
    figure = new_figure(1.5 + 4.5 * len(shown), 1.2 + 0.28 * len(rows))
    grid = figure.subplots(1, len(shown), sharey=True, squeeze=False)
    for number, (axes, (title, of)) in enumerate(zip(grid[0], shown, strict=True)):
        for place, one in enumerate(rows):
            spread = Quartiles.of(of(one))
            if spread is not None:
                reach = [[spread.median - spread.lower], [spread.upper - spread.median]]
                axes.errorbar(
                    [spread.median], [place], xerr=reach, linestyle="", **series_style(number)
                )
        axes.axvline(1, color="0.7", linewidth=1)
        axes.set_xlim(left=0)
        axes.set_xlabel(title)
        axes.spines[["top", "right"]].set_visible(False)
    grid[0][0].set_yticks(range(len(rows)), [f"{one.label} {one.case}".strip() for one in rows])
    grid[0][0].invert_yaxis()
    return figure


def _growth(bench: Bench) -> Figure:
    """A column for each size: seconds above, memory below."""
    sizes = list(dict.fromkeys(one.size for one in bench.growth))
    labels = list(dict.fromkeys((one.label, one.case) for one in bench.growth))
    figure = new_figure(2 + 2.6 * len(sizes), 5)
    grid = figure.subplots(2, len(sizes), squeeze=False)
    handles: dict[str, Any] = {}
    for column, size in enumerate(sizes):
        grown = [one for one in bench.growth if one.size == size]
        values = sorted({value for one in grown for value in one.values})
        for one in grown:
            label = f"{one.label} {one.case}".strip()
            style = series_style(labels.index((one.label, one.case)))
            (handles[label],) = grid[0][column].plot(one.values, one.seconds, **style)
            megabytes = [peak / MEGA for peak in one.peak_bytes]
            if megabytes:
                grid[1][column].plot(one.values, megabytes, **style)
        for axes in grid[:, column]:
            axes.set_xscale("log")
            axes.set_yscale("log")
            axes.set_xticks(values, list(map(str, values)))
            axes.minorticks_off()
            axes.spines[["top", "right"]].set_visible(False)
        grid[1][column].set_xlabel(size)
    grid[0][0].set_ylabel("seconds")
    grid[1][0].set_ylabel("memory in MB")
    figure.legend(handles.values(), handles, loc="outside right upper", frameon=False)
    return figure
