"""The heat map of transfer: one panel per protocol, subjects by architectures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ddbench import Measurement
from ddbench.figures import new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = "cividis"  # its lightness also rises evenly for colour-blind readers
DARK_BELOW = 0.55  # of the scale: numbers are white there, black above


def heat_map(measurements: Sequence[Measurement]) -> Figure | None:
    """Mean accuracy in percent of each subject on each architecture, under each protocol.

    The difference from the control on the same networks is shown below it in brackets. None if
    nothing could be scored.
    """
    cells = [one for one in measurements if one.metric == "transfer_accuracy"]
    cells = [one for one in cells if "architecture" in one.coordinates]
    values = [100 * one.value for one in cells if one.value is not None]
    if not values:
        return None
    protocols = _distinct(cells, "protocol")
    architectures, subjects = _distinct(cells, "architecture"), _distinct(cells, "subject")
    differences = {
        _place(one): 100 * one.value
        for one in measurements
        if one.metric == "transfer_accuracy_difference" and one.value is not None
    }
    explained = "; in brackets: less the control" if differences else ""
    width = max(6.0, 2.6 + 1.1 * len(architectures))
    figure = new_figure(width, 1.1 + len(protocols) * (0.4 + 0.6 * len(subjects)))
    panels = figure.subplots(len(protocols), 1, squeeze=False, sharex=True)[:, 0]
    low, high = min(values), max(max(values), min(values) + 1)
    for axes, protocol in zip(panels, protocols, strict=True):
        image = axes.imshow(
            [[float("nan")] * len(architectures)] * len(subjects),
            cmap=COLOURS,
            vmin=low,
            vmax=high,
            aspect="auto",
        )
        grid = image.get_array().copy()
        for one in cells:
            if one.coordinates["protocol"] == protocol:
                row = subjects.index(str(one.coordinates["subject"]))
                column = architectures.index(str(one.coordinates["architecture"]))
                value = None if one.value is None else 100 * one.value
                grid[row, column] = float("nan") if value is None else value
                dark = value is not None and (value - low) / (high - low) < DARK_BELOW
                axes.text(
                    column,
                    row,
                    _written(value, differences.get(_place(one))),
                    ha="center",
                    va="center",
                    color="white" if dark else "black",
                    fontsize=9,
                )
        image.set_data(grid)
        axes.set_title(f"{protocol}{explained}", loc="left", fontsize=10)
        axes.set_yticks(range(len(subjects)), subjects)
        _tiles(axes, len(subjects), len(architectures))
    sources = {
        str(one.coordinates["architecture"])
        for one in cells
        if one.coordinates.get("role") == "source"
    }
    names = [f"{name} (source)" if name in sources else name for name in architectures]
    panels[-1].set_xticks(range(len(names)), names, rotation=25, ha="right", rotation_mode="anchor")
    split = cells[0].coordinates["split"]
    figure.colorbar(image, ax=list(panels), label=f"{split} accuracy %")
    return figure


def _written(value: float | None, difference: float | None) -> str:
    if value is None:
        return "n/a"
    return f"{value:.1f}" + ("" if difference is None else f"\n({difference:+.1f})")


def _tiles(axes: Any, rows: int, columns: int) -> None:
    """White gaps between cells, and no frame."""
    axes.set_xticks([column - 0.5 for column in range(columns + 1)], minor=True)
    axes.set_yticks([row - 0.5 for row in range(rows + 1)], minor=True)
    axes.grid(which="minor", color="white", linewidth=2)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)


def _place(one: Measurement) -> tuple[object, ...]:
    return tuple(one.coordinates.get(name) for name in ("protocol", "subject", "architecture"))


def _distinct(cells: Sequence[Measurement], coordinate: str) -> list[str]:
    return list(dict.fromkeys(str(one.coordinates[coordinate]) for one in cells))
