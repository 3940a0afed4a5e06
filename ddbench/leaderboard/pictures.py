"""Pictures of boards: methods down the side, one panel for each board and ipc, 95% intervals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..figures import COLOURS, new_figure, png
from .boards import Variant
from .labels import protocol_label, variant_label
from .standings import Standing, Standings

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_PANELS = 4
"""Side by side."""
MOST_METHODS = 20
"""In one panel: those that are best at the largest ipc."""
LONGEST = 22
# In inches.
WIDTH, NAMES, RIGHT, BETWEEN = 8.0, 1.75, 0.15, 0.15
LINE, TOP, BOTTOM, LEGEND = 0.2, 0.55, 0.3, 0.35
ABOVE, ALIKE, BELOW = COLOURS[2], COLOURS[9], COLOURS[1]
RELATIONS = {1: ABOVE, 0: ALIKE, -1: BELOW}

Strip = tuple[Standings, list[int], list[Variant]]
"""Panels side by side: a board, some ipc of it, and the methods down the side."""


def boards_png(boards: Sequence[Standings]) -> bytes:
    """Accuracies on the boards of one setting, sorted by those at the largest ipc of a board.

    Bars are the intervals of the tables, and coloured by whether a method is above its control; the
    line is the control's mean accuracy.
    """
    strips = [strip for one in boards for strip in _strips(one)]
    heights = [TOP + LINE * len(variants) + BOTTOM for _, _, variants in strips]
    figure = new_figure(WIDTH, sum(heights) + LEGEND)
    figure.set_layout_engine(None)  # looking for room takes as long as drawing
    top = sum(heights) + LEGEND
    for strip, height in zip(strips, heights, strict=True):
        _draw_strip(figure, strip, top - TOP)
        top -= height
    _legend(figure)
    return png(figure)


def _strips(one: Standings) -> list[Strip]:
    rows = [row for row in one.rows if row.accuracy is not None]
    ipcs = sorted({row.ipc for row in rows})
    best: dict[Variant, tuple[int, float]] = {}
    for row in rows:
        if row.accuracy is not None:
            variant = row.variant.across_ipc
            best[variant] = max(best.get(variant, (0, 0.0)), (row.ipc, row.accuracy.mean))
    variants = sorted(best, key=lambda variant: (best[variant], variant), reverse=True)
    beside = [ipcs[start : start + MOST_PANELS] for start in range(0, len(ipcs), MOST_PANELS)]
    return [(one, some, variants[:MOST_METHODS]) for some in beside]


def _draw_strip(figure: Figure, strip: Strip, top: float) -> None:
    one, ipcs, variants = strip
    total = figure.get_figheight()
    height = LINE * len(variants)
    # Of few panels each is as wide as one of two: a bar across the page is no easier to read.
    width = (WIDTH - NAMES - RIGHT) / max(2, len(ipcs)) - BETWEEN
    for number, ipc in enumerate(ipcs):
        left = NAMES + number * (width + BETWEEN)
        axis = figure.add_axes(
            (left / WIDTH, (top - height) / total, width / WIDTH, height / total)
        )
        by_variant = {row.variant.across_ipc: row for row in one.rows if row.ipc == ipc}
        _draw_panel(axis, [by_variant.get(variant) for variant in variants])
        names = [_name(variant) if number == 0 else "" for variant in variants]
        axis.set_yticks(range(len(variants)), names)
        axis.set_title(f"ipc {ipc}", fontsize=9, loc="right", pad=3)
    told = f"{protocol_label(one.board)}: accuracy %"
    title = figure.text(0.1 / WIDTH, (top + 0.22) / total, told, fontsize=10, weight="bold")
    for text in (title, *(label for axis in figure.axes for label in axis.get_yticklabels())):
        text.set_parse_math(False)  # the words of a record are no formulas


def _draw_panel(axis: Axes, rows: Sequence[Standing | None]) -> None:
    """One ipc, the first row at the top."""
    from matplotlib.ticker import MaxNLocator

    known = [
        (place, row.accuracy, RELATIONS[row.relation])
        for place, row in enumerate(rows)
        if row is not None and row.accuracy is not None
    ]
    means = [100 * accuracy.mean for _, accuracy, _ in known]
    halves = [100 * (accuracy.half_width or 0) for _, accuracy, _ in known]
    places = [place for place, _, _ in known]
    colours = [colour for _, _, colour in known]
    low = [mean - half for mean, half in zip(means, halves, strict=True)]
    high = [mean + half for mean, half in zip(means, halves, strict=True)]
    axis.hlines(places, low, high, colors=colours, linewidth=2.5, alpha=0.55)
    axis.scatter(means, places, s=22, c=colours, zorder=3)
    controls = [
        (place, 100 * row.control.mean)
        for place, row in enumerate(rows)
        if row is not None and row.control is not None
    ]
    axis.vlines(
        [mean for _, mean in controls],
        [place - 0.5 for place, _ in controls],
        [place + 0.5 for place, _ in controls],
        colors="black",
        linewidth=1,
    )
    axis.set_ylim(len(rows) - 0.5, -0.5)
    axis.xaxis.set_major_locator(MaxNLocator(4))
    axis.tick_params(labelsize=8, length=2)
    axis.grid(axis="x", alpha=0.3)
    axis.grid(axis="y", alpha=0.15)
    axis.spines[["top", "right"]].set_visible(False)


def _name(variant: Variant) -> str:
    label = variant_label(variant)
    return label.full if len(label.full) <= LONGEST else f"{label.full[: LONGEST - 3]}..."


def _legend(figure: Figure) -> None:
    from matplotlib.lines import Line2D

    told = {ABOVE: "above its control", ALIKE: "not told apart from it", BELOW: "below it"}
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=4.5, linewidth=2.5, label=label)
        for colour, label in told.items()
    ]
    handles.append(Line2D([], [], color="black", linewidth=1, label="the control"))
    figure.legend(handles=handles, loc="lower left", ncols=4, fontsize=8, frameon=False)
