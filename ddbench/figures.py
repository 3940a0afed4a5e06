"""Figures in one style, readable without colour vision."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = (
    "#332288", "#CC6677", "#117733", "#88CCEE", "#DDCC77", "#AA4499", "#44AA99", "#882255",
    "#999933", "#666666",
)  # fmt: skip
"""P. Tol's "muted" scheme, distinguishable with the common kinds of colour blindness."""
MARKERS = "osD^vPX*<>"
_TURN = 3
"""How far the markers shift each time all colours have been used."""
DPI = 100


def new_figure(width: float, height: float) -> Figure:
    """An empty figure (size in inches) that needs no window system."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # takes half a second to import
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def png(figure: Figure) -> bytes:
    """The figure as a PNG file; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()


def series_style(number: int) -> dict[str, Any]:
    """Colour and marker of the series with this number, as arguments of `Axes.plot`.

    A hundred series are distinct: no combination of colour and marker occurs twice.
    """
    turn, colour = divmod(number, len(COLOURS))
    marker = MARKERS[(colour + _TURN * turn) % len(MARKERS)]
    return {"color": COLOURS[colour], "marker": marker}
