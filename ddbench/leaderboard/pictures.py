"""Pictures of boards: accuracy by images per class, and by the seconds a set cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..figures import new_figure, png, series_style
from .standings import Standing, Standings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_SERIES = 12


def boards_png(boards: Sequence[Standings]) -> bytes:
    """One column a board of one setting: accuracy against ipc above, against seconds below.

    Bars are the intervals of the tables. At most twelve methods are drawn, the best ones.
    """
    drawn = [one for one in boards if any(row.accuracy for row in one.rows)]
    columns = max(1, len(drawn))
    figure = new_figure(3.4 * columns + 1.8, 5.6)
    axes = figure.subplots(2, columns, squeeze=False, sharey="col")
    labels = _labels(drawn)
    for column, one in enumerate(drawn):
        above, below = axes[0, column], axes[1, column]
        above.set_title(f"{one.board.protocol}\n{one.board.labels}", fontsize=9)
        for number, label in enumerate(labels):
            rows = [row for row in one.rows if row.variant.label == label and row.accuracy]
            _draw(above, rows, [row.ipc for row in rows], number, label, "-")
            seconds = [row.making.distil_seconds + row.making.other_seconds for row in rows]
            _draw(below, rows, [max(s, 0.01) for s in seconds], number, label, "none")
        above.set_xlabel("images per class", fontsize=8)
        below.set_xlabel("seconds to make, with networks", fontsize=8)
        above.set_xscale("log")
        ipcs = sorted({row.ipc for row in one.rows})
        above.set_xticks(ipcs, [str(ipc) for ipc in ipcs])
        above.minorticks_off()
        below.set_xscale("log")
        for axis in (above, below):
            axis.tick_params(labelsize=8)
            axis.grid(alpha=0.3)
    for row_of_axes in axes:
        row_of_axes[0].set_ylabel("test accuracy %", fontsize=8)
    handles = axes[0, 0].get_legend_handles_labels()
    figure.legend(*handles, loc="outside right upper", fontsize=8)
    return png(figure)


def _labels(boards: Sequence[Standings]) -> list[str]:
    """The methods drawn, by name; where they are too many, those with the best ranks."""
    best: dict[str, int] = {}
    for one in boards:
        for row in one.rows:
            if row.rank is not None:
                best[row.variant.label] = min(row.rank, best.get(row.variant.label, row.rank))
    return sorted(sorted(best, key=lambda label: (best[label], label))[:MOST_SERIES])


def _draw(
    axis: Axes, rows: Sequence[Standing], x: Sequence[float], number: int, label: str, line: str
) -> None:
    known = [row.accuracy for row in rows if row.accuracy is not None]
    axis.errorbar(
        list(x),
        [100 * one.mean for one in known],
        [100 * (one.half_width or 0) for one in known],
        label=label if len(label) <= 40 else f"{label[:37]}...",
        linestyle=line,
        capsize=2,
        markersize=5,
        **series_style(number),
    )
