"""Pictures: one look everywhere, readable without colour vision."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLOURS = (
    "#332288", "#CC6677", "#117733", "#88CCEE", "#DDCC77", "#AA4499", "#44AA99", "#882255",
    "#999933", "#666666",
)  # fmt: skip
"""P. Tol's "muted" scheme, told apart under the common kinds of colour blindness."""
MARKERS = "osD^vPX*<>"
DPI = 100


def new_figure(width: float, height: float) -> Figure:
    """An empty figure (inches) that no window system ever sees."""
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
    """Colour and marker of the series of a number, as arguments of `Axes.plot`.

    No two of the first hundred series have both alike.
    """
    around, colour = divmod(number, len(COLOURS))
    marker = MARKERS[(colour + 3 * around) % len(MARKERS)]
    return {"color": COLOURS[colour], "marker": marker}
