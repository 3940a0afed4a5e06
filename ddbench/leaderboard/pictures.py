"""Pictures of boards: one row per method, one panel for each board and ipc, 95% intervals.

Everything is drawn in one pair of axes, in inches from the upper left corner: separate axes and
ticks for each panel take ten times as long.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..figures import COLOURS, new_figure, png
from .entries import Variant
from .labels import protocol_label, variant_label
from .standings import Standing, Standings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_PANELS = 4
"""Most panels side by side."""
MOST_METHODS = 40
"""Most methods in one panel: those that are best at the largest ipc."""
LONGEST = 24
WIDTH, NAMES, BETWEEN = 8.0, 1.75, 0.2  # inches
LINE, TOP, BOTTOM, LEGEND = 0.2, 0.55, 0.3, 0.35
MARGIN = 0.04
"""The fraction of a panel's width beyond its outermost values."""
TICKS = 4
ABOVE, ALIKE, BELOW = COLOURS[2], COLOURS[9], COLOURS[1]
RELATIONS = {1: ABOVE, 0: ALIKE, -1: BELOW}

LARGE: dict[str, Any] = {"s": 22}
SMALL: dict[str, Any] = {"s": 7, "alpha": 0.6, "linewidths": 0}

Strip = tuple[Standings, list[int], list[Variant]]
"""Panels side by side: a board, some of its ipc, and the methods down the side."""
Segment = tuple[tuple[float, float], tuple[float, float]]


@dataclass
class Sheet:
    """What is drawn, by kind, in inches."""

    grid: list[Segment] = field(default_factory=list)
    intervals: list[tuple[Segment, str]] = field(default_factory=list)
    points: list[tuple[float, float, str]] = field(default_factory=list)
    dots: list[tuple[float, float, str]] = field(default_factory=list)
    controls: list[Segment] = field(default_factory=list)
    words: list[tuple[float, float, str, dict[str, Any]]] = field(default_factory=list)

    def put(self, axes: Axes) -> None:
        """Draw everything."""
        from matplotlib.collections import LineCollection

        bars = [segment for segment, _ in self.intervals]
        colours = [colour for _, colour in self.intervals]
        axes.add_collection(LineCollection(self.grid, colors="0.85", linewidths=0.8))
        axes.add_collection(LineCollection(bars, colors=colours, linewidths=2.5, alpha=0.55))
        axes.add_collection(LineCollection(self.controls, colors="black", linewidths=1))
        for places, style in ((self.dots, SMALL), (self.points, LARGE)):
            if not places:
                continue
            across, down = [x for x, _, _ in places], [y for _, y, _ in places]
            axes.scatter(across, down, c=[own for _, _, own in places], zorder=3, **style)
        for x, y, told, style in self.words:
            # Text from a record is not a formula.
            axes.text(x, y, told, **{"fontsize": 8, "parse_math": False, **style})


def sheet_png(sheet: Sheet, height: float) -> bytes:
    """A sheet of this height (inches) as a PNG file."""
    figure = new_figure(WIDTH, height)
    figure.set_layout_engine(None)  # the layout engine takes as long as drawing
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, WIDTH)
    axes.set_ylim(height, 0)
    sheet.put(axes)
    return png(figure)


def boards_png(boards: Sequence[Standings]) -> bytes:
    """Accuracies on the boards of one setting, sorted by those at the largest ipc of a board.

    Bars are the intervals of the tables, coloured by whether a method is above its control; the
    line is the control's mean accuracy.
    """
    strips = [strip for one in boards for strip in _strips(one)]
    heights = [TOP + LINE * len(variants) + BOTTOM for _, _, variants in strips]
    height = sum(heights) + LEGEND
    sheet, top = Sheet(), 0.0
    for strip, own in zip(strips, heights, strict=True):
        _draw_strip(sheet, strip, top + TOP)
        top += own
    _draw_legend(sheet, height - LEGEND / 2)
    return sheet_png(sheet, height)


def _strips(one: Standings) -> list[Strip]:
    best: dict[Variant, tuple[int, float]] = {}
    for row in one.rows:
        if row.accuracy is not None:
            variant = row.variant.across_ipc
            best[variant] = max(best.get(variant, (0, 0.0)), (row.ipc, row.accuracy.mean))
    ipcs = sorted({row.ipc for row in one.rows if row.accuracy is not None})
    variants = sorted(best, key=lambda variant: (best[variant], variant), reverse=True)
    beside = [ipcs[start : start + MOST_PANELS] for start in range(0, len(ipcs), MOST_PANELS)]
    return [(one, some, variants[:MOST_METHODS]) for some in beside]


def _draw_strip(sheet: Sheet, strip: Strip, top: float) -> None:
    one, ipcs, variants = strip
    title = {"fontsize": 10, "weight": "bold"}
    sheet.words.append((0.1, top - 0.22, f"{protocol_label(one.board)}: accuracy %", title))
    for place, variant in enumerate(variants):
        side = {"ha": "right", "va": "center"}
        sheet.words.append((NAMES - 0.08, top + LINE * (place + 0.5), shown_name(variant), side))
    # A single panel is as wide as one of two: a bar across the page is no easier to read.
    width = (WIDTH - NAMES) / max(2, len(ipcs)) - BETWEEN
    for number, ipc in enumerate(ipcs):
        by_variant = {row.variant.across_ipc: row for row in one.rows if row.ipc == ipc}
        rows = [by_variant.get(variant) for variant in variants]
        left = NAMES + number * (width + BETWEEN)
        _draw_panel(sheet, rows, left, top, width)
        over = {"fontsize": 9, "ha": "right"}
        sheet.words.append((left + width, top - 0.06, f"ipc {ipc}", over))


def _draw_panel(
    sheet: Sheet, rows: Sequence[Standing | None], left: float, top: float, width: float
) -> None:
    """One ipc, the first row at the top."""
    from matplotlib.ticker import MaxNLocator

    known = [
        (top + LINE * (place + 0.5), row, row.accuracy)
        for place, row in enumerate(rows)
        if row is not None and row.accuracy is not None
    ]
    ends = [
        100 * (estimate.mean + sign * (estimate.half_width or 0))
        for _, _, estimate in known
        for sign in (-1, 1)
    ]
    ends += [100 * row.control.mean for _, row, _ in known if row.control is not None]
    low, high = min(ends), max(ends)
    span = (high - low) or 1.0
    bottom = top + LINE * len(rows)

    def at(fraction: float) -> float:
        share = (100 * fraction - low) / span
        return left + width * (MARGIN + (1 - 2 * MARGIN) * share)

    sheet.grid += [((left, top), (left, bottom)), ((left, bottom), (left + width, bottom))]
    for value in MaxNLocator(TICKS).tick_values(low, high):
        place = at(value / 100)
        if left <= place <= left + width:
            sheet.grid.append(((place, top), (place, bottom)))
            sheet.words.append((place, bottom + 0.14, f"{value:g}", {"ha": "center"}))
    for y, row, estimate in known:
        half, colour = estimate.half_width or 0, RELATIONS[row.relation]
        bar = ((at(estimate.mean - half), y), (at(estimate.mean + half), y))
        sheet.intervals.append((bar, colour))
        sheet.points.append((at(estimate.mean), y, colour))
        if row.control is not None:
            x = at(row.control.mean)
            sheet.controls.append(((x, y - LINE / 2), (x, y + LINE / 2)))


def _draw_legend(sheet: Sheet, y: float) -> None:
    told = {ABOVE: "above its control", ALIKE: "no significant difference", BELOW: "below it"}
    for number, (colour, label) in enumerate(told.items()):
        x = 0.1 + 1.8 * number
        sheet.intervals.append((((x, y), (x + 0.3, y)), colour))
        sheet.points.append((x + 0.15, y, colour))
        sheet.words.append((x + 0.38, y, label, {"va": "center"}))
    x = 0.1 + 1.8 * len(told)
    sheet.controls.append(((x, y - LINE / 2), (x, y + LINE / 2)))
    sheet.words.append((x + 0.1, y, "the control", {"va": "center"}))


def shown_name(variant: Variant) -> str:
    """The method's name, cut to fit beside a picture."""
    label = variant_label(variant)
    return label.full if len(label.full) <= LONGEST else f"{label.full[: LONGEST - 3]}..."
