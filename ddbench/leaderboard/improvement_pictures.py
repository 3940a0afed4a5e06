"""Pictures of mean improvements: methods down the side, one panel for each protocol."""

from __future__ import annotations

from collections.abc import Sequence

from ..records.facts import ProtocolFacts
from .labels import labels_head
from .mean_improvements import Grid, MeanImprovement
from .pictures import (
    BETWEEN,
    BOTTOM,
    LEGEND,
    LINE,
    MARGIN,
    MOST_PANELS,
    NAMES,
    RELATIONS,
    TICKS,
    TOP,
    WIDTH,
    Sheet,
    sheet_png,
    shown_name,
)

TITLE = "improvement over the best control, points of accuracy"
TOLD = {1: "mean above 0", 0: "not significantly different from 0", -1: "below 0"}
NO_INTERVAL = "0.45"
"""The colour of a mean over too few cells for an interval."""


def improvements_png(grid: Grid) -> bytes:
    """Mean improvements with intervals over cells, and each cell as a small dot.

    All panels share one scale, in points; the line is 0, the best control.
    """
    sheet, top = Sheet(), 0.0
    extent = extent_of(list(grid.places.values()))
    for start in range(0, len(grid.protocols), MOST_PANELS):
        beside = grid.protocols[start : start + MOST_PANELS]
        _draw_strip(sheet, grid, beside, top + TOP, extent)
        top += TOP + LINE * len(grid.variants) + BOTTOM
    _draw_legend(sheet, top + LEGEND / 2)
    return sheet_png(sheet, top + LEGEND)


def extent_of(means: Sequence[MeanImprovement]) -> tuple[float, float]:
    """The lowest and the highest improvement in points, 0 included."""
    ends = [0.0, *(value for one in means for value in one.values)]
    ends += [end for one in means for end in one.interval or ()]
    low, high = 100 * min(ends), 100 * max(ends)
    return (low, high) if high > low else (low - 1, high + 1)


def _draw_strip(
    sheet: Sheet,
    grid: Grid,
    protocols: Sequence[ProtocolFacts | None],
    top: float,
    extent: tuple[float, float],
) -> None:
    """Some protocols side by side."""
    title = {"fontsize": 10, "weight": "bold"}
    sheet.words.append(
        (0.1, top - 0.35, "improvement over the best control, points of accuracy", title)
    )
    for place, variant in enumerate(grid.variants):
        side = {"ha": "right", "va": "center"}
        y = top + LINE * (place + 0.5)
        sheet.words.append((NAMES - 0.08, y, shown_name(variant), side))
    width = (WIDTH - NAMES) / max(2, len(protocols)) - BETWEEN
    for number, protocol in enumerate(protocols):
        left = NAMES + number * (width + BETWEEN)
        over = {"fontsize": 9, "ha": "right"}
        sheet.words.append((left + width, top - 0.06, labels_head(protocol), over))
        rows = [grid.places.get((variant, protocol)) for variant in grid.variants]
        _draw_panel(sheet, rows, left, top, width, extent)


def _draw_panel(
    sheet: Sheet,
    rows: Sequence[MeanImprovement | None],
    left: float,
    top: float,
    width: float,
    extent: tuple[float, float],
) -> None:
    """One protocol, the first row at the top."""
    from matplotlib.ticker import MaxNLocator

    low, high = extent
    bottom = top + LINE * len(rows)

    def at(points: float) -> float:
        return left + width * (MARGIN + (1 - 2 * MARGIN) * (points - low) / (high - low))

    sheet.grid += [((left, top), (left, bottom)), ((left, bottom), (left + width, bottom))]
    for value in MaxNLocator(TICKS).tick_values(low, high):
        if left <= at(value) <= left + width:
            sheet.grid.append(((at(value), top), (at(value), bottom)))
            sheet.words.append((at(value), bottom + 0.14, f"{value:g}", {"ha": "center"}))
    sheet.controls.append(((at(0), top), (at(0), bottom)))
    for place, one in enumerate(rows):
        if one is None:
            continue
        y = top + LINE * (place + 0.5)
        colour = NO_INTERVAL if one.relation is None else RELATIONS[one.relation]
        sheet.dots += [(at(100 * value), y, colour) for value in one.values]
        sheet.points.append((at(100 * one.mean), y, colour))
        if one.interval is not None:
            ends = [at(100 * end) for end in one.interval]
            sheet.intervals.append((((ends[0], y), (ends[1], y)), colour))


def _draw_legend(sheet: Sheet, y: float) -> None:
    """The meaning of colours and dots."""
    for number, (relation, told) in enumerate(TOLD.items()):
        x, colour = 0.1 + 1.4 * number, RELATIONS[relation]
        sheet.intervals.append((((x, y), (x + 0.3, y)), colour))
        sheet.points.append((x + 0.15, y, colour))
        sheet.words.append((x + 0.38, y, told, {"va": "center"}))
    sheet.points.append((4.4, y, NO_INTERVAL))
    sheet.words.append((4.48, y, "too few cells for an interval", {"va": "center"}))
    sheet.dots.append((6.5, y, NO_INTERVAL))
    sheet.words.append((6.58, y, "one cell", {"va": "center"}))
