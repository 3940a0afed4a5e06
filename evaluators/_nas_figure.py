"""The scatter plot of `nas`: the truth of each cell against its accuracy on a small set."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ddbench import Measurement
from ddbench.distilling.method_style import method_style
from ddbench.figures import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def ranking_figure(measurements: Sequence[Measurement]) -> Figure | None:
    """Points of every subject, with rho and its interval in the legend; None without points.

    Args:
        measurements: of the evaluator.
    """
    truth = [one for one in measurements if one.metric == "cell_truth"]
    searched = [one for one in measurements if one.metric == "cell_accuracy"]
    if not truth or not searched:
        return None
    rho = {one.coordinates["subject"]: one for one in measurements if one.metric == "spearman_rho"}
    figure = new_figure(6.4, 4.8)
    axes = figure.subplots()
    for one in searched:
        subject = str(one.coordinates["subject"])
        style: dict[str, Any] = {**method_style(subject), "linestyle": "none", "alpha": 0.7}
        axes.plot(
            [100 * value for value in truth[0].values],
            [100 * value for value in one.values],
            label=f"{subject}: {_in_words(rho[subject])}",
            **style,
        )
    where = searched[0].coordinates
    axes.set_xlabel(f"NAS-Bench-201, {where['truth']} (%)")
    axes.set_ylabel(f"{where['split']} accuracy of the cell trained on the images (%)")
    axes.set_title(
        f"{len(truth[0].values)} cells, {where['network']}; {where['protocol']}", fontsize="medium"
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="upper left", fontsize="small")
    return figure


def _in_words(rho: Measurement) -> str:
    if rho.value is None:
        return "no rho"
    text = f"rho {rho.value:.2f}"
    if rho.interval is not None:
        text += f" [{rho.interval[0]:.2f}, {rho.interval[1]:.2f}]"
    return text
