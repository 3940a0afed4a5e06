"""Accuracy of students against the number of images seen, one panel per protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ddbench import Measurement
from ddbench.figures import new_figure, series_style
from ddbench.records.statistics import half_width

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

AFTER = "accuracy_after"
MOST_ACROSS = 3
"""Maximum number of panels side by side."""


def curves_figure(measurements: Sequence[Measurement]) -> Figure | None:
    """Curves of the set and of its control, with intervals over networks; None if there are none.

    Args:
        measurements: those of `time_to_accuracy`.
    """
    known = [m for m in measurements if m.metric == AFTER and m.value is not None]
    if not known:
        return None
    protocols = list(dict.fromkeys(str(m.coordinates["protocol"]) for m in known))
    subjects = list(dict.fromkeys(str(m.coordinates["subject"]) for m in known))
    across = 2 if len(protocols) == 4 else min(len(protocols), MOST_ACROSS)
    down = -(-len(protocols) // across)
    figure = new_figure(1.2 + 3.6 * across, 0.6 + 2.9 * down)
    panels = figure.subplots(down, across, sharey=True, squeeze=False)
    for axes in panels.flat[len(protocols) :]:
        axes.set_visible(False)
    for axes, protocol in zip(panels.flat, protocols, strict=False):
        _draw(axes, [m for m in known if m.coordinates["protocol"] == protocol], subjects)
        axes.set_title(protocol, fontsize="small")
        axes.set_xlabel("images seen")
    # Intervals over few networks can exceed the range of an accuracy.
    panels[0, 0].set_ylim(0, min(panels[0, 0].get_ylim()[1], 102))
    for axes in panels[:, 0]:
        axes.set_ylabel(f"{known[0].coordinates['split']} accuracy in %")
    named = {
        label: handle
        for axes in panels.flat
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        list(named.values()),
        list(named),
        loc="outside lower center",
        ncols=len(named),
        frameon=False,
    )
    return figure


def _draw(axes: Axes, measurements: Sequence[Measurement], subjects: Sequence[str]) -> None:
    """One line for each set."""
    for number, subject in enumerate(subjects):
        own = [m for m in measurements if m.coordinates["subject"] == subject]
        if not own:
            continue
        axes.errorbar(
            [int(m.coordinates["images_seen"]) for m in own],
            [100 * (m.value or 0) for m in own],
            yerr=[100 * (half_width(m.values) or 0) for m in own],
            capsize=2,
            markersize=4,
            linewidth=1,
            label=subject,
            **series_style(number),
        )
    axes.set_xscale("log")
    axes.spines[["top", "right"]].set_visible(False)
