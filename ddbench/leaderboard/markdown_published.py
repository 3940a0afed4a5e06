"""Published numbers beside measured ones, as a page and as a table."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ..records.units import size
from .markdown_text import Labels, as_page, counts, table, value, wrapped
from .published import SELECTION_MARKS, Reproduction

PUBLISHED_LEGEND = (
    "A verdict is given only where everything is as published: protocol `paper`, budget "
    "`paper`, and every setting, none of which may be for another ipc or chosen here. The "
    "published ± is the spread as printed, the measured one a 95% t interval (n as on the "
    "boards). Accuracies are in percent. ~: read off a chart. †: the published number is the best "
    "of several on the test images; measured ones never are. ?: not known whether it is."
)


def published_page(reproductions: Sequence[Reproduction]) -> str:
    """The published numbers for which something was measured."""
    measured = [one for one in reproductions if one.measured is not None]
    missing = len({id(one.figure) for one in reproductions if one.measured is None})
    counted = f"{missing} published numbers have no measurement yet; [all](published.csv)."
    parts = ["# Published beside measured", wrapped(PUBLISHED_LEGEND), wrapped(counted)]
    key = lambda one: (one.figure.source, one.figure.place)  # noqa: E731
    for (source, place), rows in groupby(measured, key=key):
        parts += [f"## {place}", wrapped(source), *published_table(list(rows))]
    return as_page(parts)


def published_table(reproductions: Sequence[Reproduction]) -> list[str]:
    """Published numbers beside measured ones, if any; then the legend of the labels."""
    labels = Labels()
    cells = [
        [
            one.figure.dataset + "".join(f", {v}" for v in one.figure.shown.values()),
            "" if one.figure.ipc is None else str(one.figure.ipc),
            labels(one.label),
            published_text(one),
            value(one.measured, one.figure.unit),
            difference_text(one),
            counts(one.measured) if one.measured else "",
            labels(one.told, longest=0),
        ]
        for one in reproductions
    ]
    headers = ["dataset", "ipc", "method", "published", "measured", "-", "n", "verdict"]
    return [table(cells, headers), *labels.legend()]


def published_text(one: Reproduction) -> str:
    """The published number with its spread and the mark of its selection; ~: read off a chart."""
    figure = one.figure
    about = "" if figure.reading == "exact" else "~"
    if figure.unit == "bytes":
        return about + size(round(figure.value))
    scale = 100 if figure.unit == "fraction" else 1
    spread = "" if figure.spread is None else f" ± {scale * figure.spread:.3g}"
    return f"{about}{scale * figure.value:.4g}{spread}{SELECTION_MARKS.get(figure.selection, '')}"


def difference_text(one: Reproduction) -> str:
    """The difference in points of accuracy; for costs, the ratio."""
    if one.measured is None:
        return ""
    measured, published = one.measured.mean, one.figure.value
    if one.figure.unit == "fraction":
        return f"{100 * (measured - published):+.1f}"
    if one.figure.unit == "correlation":
        return f"{measured - published:+.3g}"
    return f"x{measured / published:.2g}"
