"""Memory against time of methods' steps, from records: a table and a figure.

As in Figure 3 of M. Chen et al., "Dataset distillation via adversarial prediction matching"
(2023): one point per method and setting, with peak memory of the steps on one axis and seconds per
step on the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tabulate import tabulate

from ..distilling.method_style import variant_styles
from ..figures import new_figure
from ..records.cost import DISTIL, STEPS
from ..records.record import Record

if TYPE_CHECKING:
    from matplotlib.figure import Figure

KINDS = ("allocated", "resident set")
"""Kinds of measured memory, in order of preference: accelerator tensors, else the process."""


@dataclass(frozen=True)
class TradeoffPoint:
    """The cost of one run's steps.

    Args:
        label: method and setting.
        method: the method's name.
        peak_bytes: peak memory over all steps.
        kind: kind of memory, one of `KINDS`.
        seconds: mean seconds per step.
        quartiles: lower and upper quartile of seconds per step, if known.
        steps: number of timed steps.
        device: name of the device.
    """

    label: str
    method: str
    peak_bytes: float
    kind: str
    seconds: float
    quartiles: tuple[float, float] | None = None
    steps: int = 0
    device: str = ""


def tradeoff_point(record: Record, label: str) -> TradeoffPoint | None:
    """The point of a run, from the evaluators `memory` and `runtime`; None without either."""
    peaks = {
        str(m.coordinates["of"]): m.value
        for m in record.measurements
        if m.metric == "peak_memory"
        and (m.coordinates.get("phase"), m.coordinates.get("part")) == (DISTIL.name, STEPS)
    }
    steps = {
        str(m.coordinates["statistic"]): m for m in record.measurements if m.metric == "step_time"
    }
    kind = next((kind for kind in KINDS if kind in peaks), None)
    if kind is None or not steps:
        return None
    seconds = {name: m.value or 0.0 for name, m in steps.items()}
    return TradeoffPoint(
        label,
        record.method.name,
        peaks[kind] or 0.0,
        kind,
        seconds["mean"],
        (seconds["lower quartile"], seconds["upper quartile"]),
        int(steps["mean"].coordinates["steps"]),
        str(steps["mean"].coordinates["on"]),
    )


def tradeoff_table(points: Sequence[TradeoffPoint]) -> str:
    """One row per point."""
    rows = [
        [
            point.label,
            f"{point.peak_bytes / 1e9:.2f}",
            point.kind,
            f"{point.seconds:.3g}",
            "{:.3g} to {:.3g}".format(*point.quartiles) if point.quartiles else "",
            point.steps or "",
            point.device,
        ]
        for point in points
    ]
    headers = ["", "peak GB", "of", "s a step", "quartiles", "n", "device"]
    return tabulate(rows, headers, tablefmt="simple", disable_numparse=True)


def tradeoff_figure(points: Sequence[TradeoffPoint]) -> Figure | None:
    """Seconds per step against peak memory, each point labelled; None if there are no points."""
    if not points:
        return None
    figure = new_figure(6.5, 4)
    axes = figure.subplots()
    styles = variant_styles([point.method for point in points])
    for point, style in zip(points, styles, strict=True):
        place = ([point.peak_bytes / 1e9], [point.seconds])
        axes.plot(*place, linestyle="", markersize=9, label=point.label, **style)
    axes.set_xlim(left=0)
    axes.set_ylim(bottom=0)
    axes.margins(0.1)
    kinds = " or ".join(dict.fromkeys(point.kind for point in points))
    axes.set_xlabel(f"peak memory of the steps in GB ({kinds})")
    axes.set_ylabel("seconds per step, mean")
    axes.set_title(", ".join(dict.fromkeys(p.device for p in points if p.device)), fontsize="small")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    axes.spines[["top", "right"]].set_visible(False)
    return figure
