"""Horizontal bars with values beside them, for evaluators."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ddbench import Measurement
from ddbench.figures import COLOURS, new_figure
from ddbench.records.statistics import half_width

from ._dd_ranking import unit_score

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINE = 34


def score_figure(
    measurements: Sequence[Measurement], names: Mapping[str, str], score: str, short: str
) -> Figure | None:
    """Differences of accuracy in points, beside a score between 0 and 1; None without differences.

    Args:
        measurements: of one evaluator.
        names: title of each metric's bar, with coordinates in braces; others are left out.
        score: metric on the right.
        short: its short name.
    """
    differences = [m for m in measurements if m.metric in names and m.value is not None]
    scores = [m for m in measurements if m.metric == score and m.value is not None]
    if not differences:
        return None
    figure = new_figure(9, 1.4 + 0.55 * len(differences))
    left, right = figure.subplots(1, 2, width_ratios=[5, 2])
    titles = [names[m.metric].format(**m.coordinates) for m in differences]
    bars(left, titles, differences, 100, "{:+.1f}", "difference of accuracy in percentage points")
    left.axvline(0, color="black", linewidth=0.8)
    right.set_xlim(0, 1)
    right.axvline(unit_score(0), color="black", linewidth=0.8, linestyle=":")
    right.set_title("dotted: differences of 0", fontsize="small")
    bars(right, [short] * len(scores), scores, 1, "{:.3f}", f"{short}, 0 to 1")
    right.set_ylim(len(differences) / 2, -len(differences) / 2)  # a bar no thicker than the others
    return figure


def bars(
    axes: Axes,
    titles: Sequence[str],
    measurements: Sequence[Measurement],
    factor: float,
    form: str,
    label: str,
) -> None:
    """One bar per measurement, the first on top, with its interval over networks.

    Args:
        axes: where to draw.
        titles: titles of the bars.
        measurements: with values.
        factor: factor from a value to the axis.
        form: format of the number beside a bar.
        label: label of the axis, with its unit.
    """
    places = list(range(len(measurements)))
    values = [factor * (m.value or 0) for m in measurements]
    widths = [factor * (half_width(m.values) or 0) for m in measurements]
    drawn = axes.barh(
        places,
        values,
        height=0.6,
        color=[COLOURS[place % len(COLOURS)] for place in places],
        xerr=widths if any(widths) else None,
        error_kw={"capsize": 3},
    )
    axes.bar_label(drawn, [form.format(value) for value in values], padding=4)
    axes.set_yticks(places, ["\n".join(textwrap.wrap(title, LINE)) for title in titles])
    axes.invert_yaxis()
    axes.set_xlabel(label)
    axes.margins(x=0.18)
    axes.spines[["top", "right"]].set_visible(False)
