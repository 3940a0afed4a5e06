"""Effects on accuracy as dots with intervals, main effects above interactions."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ddbench import Measurement
from ddbench.figures import new_figure, series_style
from ddbench.records.statistics import half_width

if TYPE_CHECKING:
    from matplotlib.figure import Figure

EFFECT, INTERACTION = "attribution_effect", "attribution_interaction"
BOTH, ONE = "both sets", "one set"
OF_BOTH: dict[str, Any] = {"color": "black", "marker": "o"}
LINE = 42
APART = 0.24
"""Distance between the dots of one effect, in lines."""


def attribution_figure(measurements: Sequence[Measurement]) -> Figure | None:
    """Effects in points of accuracy; None if there are none.

    Args:
        measurements: those of `label_attribution`.
    """
    effects, interactions = (
        [m for m in measurements if m.metric == metric and m.value is not None]
        for metric in (EFFECT, INTERACTION)
    )
    known = [*effects, *interactions]
    if not known:
        return None
    series = list(dict.fromkeys(map(_series, known)))
    sets = " less ".join(name for name in series if name != BOTH)
    titles: dict[str, str] = {}
    for m in known:
        levels = m.coordinates.get(_row(m), sets)
        titles.setdefault(_row(m), f"{_row(m)}: {levels}" if m in effects else _row(m))
    rows = list(titles)
    figure = new_figure(8, 1.3 + 0.45 * len(rows))
    axes = figure.subplots()
    for number, name in enumerate(series):
        own = [m for m in known if _series(m) == name]
        axes.errorbar(
            [100 * (m.value or 0) for m in own],
            [rows.index(_row(m)) + APART * (number - (len(series) - 1) / 2) for m in own],
            xerr=[100 * (half_width(m.values) or 0) for m in own],
            linestyle="",
            markersize=5,
            capsize=2,
            label=name,
            **(series_style(number) if name != BOTH else OF_BOTH),
        )
    main = len(dict.fromkeys(map(_row, effects)))
    axes.axvline(0, color="black", linewidth=0.8)
    axes.axhline(main - 0.5, color="#666666", linewidth=0.8, linestyle=":")
    axes.set_yticks(
        range(len(rows)), ["\n".join(textwrap.wrap(title, LINE)) for title in titles.values()]
    )
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlabel("points of accuracy; interactions below the dotted line")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="x", color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    figure.legend(loc="outside upper center", ncols=len(series), frameon=False)
    return figure


def _row(m: Measurement) -> str:
    return str(m.coordinates["factor" if m.metric == EFFECT else "factors"])


def _series(m: Measurement) -> str:
    """The set or sets over whose cells the effect is taken."""
    return BOTH if m.coordinates["over"] == BOTH else str(m.coordinates["subject"])
