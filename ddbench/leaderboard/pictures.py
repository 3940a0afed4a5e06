"""Pictures of boards: accuracy by images per class, and by the seconds a set cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..distilling.method_style import variant_styles
from ..figures import new_figure, png
from .boards import Variant
from .labels import variant_label
from .standings import Standing, Standings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_SERIES = 12
LONGEST = 28
PANEL, HEIGHT, LEGEND = 3.2, 3.0, 2.1  # inches
LEAST_SECONDS = 0.01
SPREAD = 0.7
"""How much of the room of one ipc its methods take."""


def boards_png(boards: Sequence[Standings]) -> bytes:
    """Accuracy against ipc, one panel a board of one setting; last, against the seconds it took.

    The last panel is left out where nothing is known of the seconds.

    Bars are the intervals of the tables. At most twelve methods are drawn, the best ones; the last
    panel takes the first board, with a point for each ipc.
    """
    from matplotlib.ticker import LogLocator

    drawn = [one for one in boards if any(row.accuracy for row in one.rows)]
    timed = [
        (row, row.making.distil_seconds + row.making.other_seconds)
        for row in (drawn[0].rows if drawn else ())
        if row.making.distil_seconds is not None  # of a set that was made elsewhere
    ]
    panels = len(drawn) + (1 if timed or not drawn else 0)
    width = PANEL * panels + LEGEND
    figure = new_figure(width, HEIGHT)
    figure.set_layout_engine(None)  # looking for room takes as long as drawing
    figure.subplots_adjust(0.55 / width, 0.17, 1 - LEGEND / width, 0.84, wspace=0.08)
    axes = figure.subplots(1, panels, squeeze=False, sharey=True)[0]
    variants = _variants(drawn)
    # Methods of one ipc stand side by side, in the order of the legend.
    beside = {
        variant: SPREAD * ((place + 0.5) / len(variants) - 0.5)
        for place, variant in enumerate(variants)
    }
    for axis, one in zip(axes, drawn, strict=False):
        axis.set_title(f"{one.board.protocol.label}, {one.board.labels}", fontsize=9)
        ipcs = sorted({row.ipc for row in one.rows})
        axis.set_xlabel("images per class", fontsize=8)
        places = [ipcs.index(row.ipc) + beside.get(row.variant.across_ipc, 0) for row in one.rows]
        _draw(axis, one.rows, variants, places, "-")
        axis.set_xticks(range(len(ipcs)), [str(ipc) for ipc in ipcs])
        axis.set_xlim(-0.5, len(ipcs) - 0.5)
    if timed:
        rows, seconds = [row for row, _ in timed], [own for _, own in timed]
        axes[-1].set_title(f"{drawn[0].board.protocol.label}, every ipc", fontsize=9)
        axes[-1].set_xlabel("seconds to make the set, with networks", fontsize=8)
        _draw(axes[-1], rows, variants, [max(one, LEAST_SECONDS) for one in seconds], "none")
        axes[-1].set_xscale("log")
        axes[-1].xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        axes[-1].xaxis.set_major_formatter("{x:g}")
    for axis in axes:
        axis.minorticks_off()
        axis.tick_params(labelsize=8)
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("test accuracy %", fontsize=8)
    handles = axes[0].get_legend_handles_labels()
    legend = figure.legend(*handles, loc="center right", fontsize=8)
    for text in (*(axis.title for axis in axes), *legend.get_texts()):
        text.set_parse_math(False)  # the words of a record are no formulas
    return png(figure)


def _variants(boards: Sequence[Standings]) -> list[Variant]:
    """The methods drawn, by name; where they are too many, those with the best ranks."""
    best: dict[Variant, int] = {}
    for one in boards:
        for row in one.rows:
            if row.rank is not None:
                variant = row.variant.across_ipc
                best[variant] = min(row.rank, best.get(variant, row.rank))
    return sorted(sorted(best, key=lambda variant: (best[variant], variant))[:MOST_SERIES])


def _draw(
    axis: Axes,
    rows: Sequence[Standing],
    variants: Sequence[Variant],
    places: Sequence[float],
    line: str,
) -> None:
    styles = variant_styles([variant.method for variant in variants])
    for variant, style in zip(variants, styles, strict=True):
        label = variant_label(variant).full
        known = [
            (place, 100 * row.accuracy.mean, 100 * (row.accuracy.half_width or 0))
            for row, place in zip(rows, places, strict=True)
            if row.variant.across_ipc == variant and row.accuracy is not None
        ]
        if known:
            x, y, bars = zip(*sorted(known), strict=True)
            told = label if len(label) <= LONGEST else f"{label[: LONGEST - 3]}..."
            axis.errorbar(x, y, bars, label=told, linestyle=line, linewidth=0.5, elinewidth=1.2,
                          markersize=5, capsize=2, **style)  # fmt: skip
