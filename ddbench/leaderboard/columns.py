"""The columns of a board, each declared once for Markdown, the page and the CSV file.

A new column is one entry of `COLUMNS`, whose order is that of the columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..records.report import peak_text
from ..records.statistics import Estimate
from ..records.units import duration, size
from .labels import variant_label
from .markdown_text import Labels, counts, percent
from .standings import Standing

UNRANKED = "-"

Cell = tuple[str, str | float | None]
"""The text shown, and the sort key; None comes last."""


@dataclass(frozen=True)
class Around:
    """What a Markdown cell depends on besides its row.

    Args:
        labels: the names in the table.
        several_controls: whether the rows have different controls, so that each is named.
    """

    labels: Labels
    several_controls: bool = False


@dataclass(frozen=True)
class Column:
    """A column of a board; it is left out where it has no heading.

    Args:
        name: the column's name.
        cell: the text that the page shows, and the sort key.
        page: heading on the page.
        board: heading in the Markdown table of a board.
        costs: heading in the Markdown table of costs.
        markdown: text in Markdown; None for that of the page.
        fields: fields of the CSV file by name; None for none.
        fields_after: the column whose fields these follow; "" for the order of `COLUMNS`.
    """

    name: str
    cell: Callable[[Standing], Cell]
    page: str = ""
    board: str = ""
    costs: str = ""
    markdown: Callable[[Standing, Around], str] | None = None
    fields: Callable[[Standing], dict[str, Any]] | None = None
    fields_after: str = ""

    def text(self, row: Standing, around: Around) -> str:
        """The text in Markdown."""
        return self.cell(row)[0] if self.markdown is None else self.markdown(row, around)


def text_cell(text: str) -> Cell:
    """A text, sorted by itself."""
    return (text, text)


def count_cell(count: int | None) -> Cell:
    """A whole number, or nothing."""
    return ("" if count is None else str(count), count)


def percent_cell(estimate: Estimate | None, sign: bool = False) -> Cell:
    """A fraction as a percentage with its interval, or nothing."""
    return ("", None) if estimate is None else (percent(estimate, sign), estimate.mean)


def numbers(name: str, estimate: Estimate | None, counted: bool = True) -> dict[str, Any]:
    """The CSV fields of an estimate: mean, half width of the interval, and what it is over."""
    told: dict[str, Any] = {
        name: estimate and estimate.mean,
        f"{name}_half_width": estimate and estimate.half_width,
    }
    if counted:
        told |= {
            "seeds": estimate and estimate.seeds,
            "networks": estimate and estimate.networks,
            "interval_over": estimate.over if estimate else "",
        }
    return told


def _control(row: Standing) -> Cell:
    text, value = percent_cell(row.control)
    return (f"{text} {row.control_label}" if row.control else "", value)


def _control_in_markdown(row: Standing, around: Around) -> str:
    text, _ = percent_cell(row.control)
    return f"{row.control_label} {text}" if text and around.several_controls else text


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds)


def _peak(row: Standing) -> Cell:
    peak = row.making.peak
    return (peak_text(peak), None if peak is None else peak.bytes)


COLUMNS = (
    Column(
        "ipc",
        lambda row: count_cell(row.ipc),
        page="ipc",
        costs="ipc",
        fields=lambda row: {"ipc": row.ipc},
    ),
    Column(
        "rank",
        lambda row: (row.place.told if row.place else UNRANKED, row.rank),
        page="rank",
        board="rank",
        fields=lambda row: {
            "rank": row.place and row.place.rank,
            "lowest_rank": row.place and row.place.lowest,
            "ranked": row.place and row.place.among,
        },
    ),
    Column(
        "method",
        lambda row: text_cell(variant_label(row.variant).full),
        page="method",
        board="method",
        costs="method",
        markdown=lambda row, around: around.labels(variant_label(row.variant)),
        fields=lambda row: {"method": variant_label(row.variant).full},
    ),
    Column(
        "storage",
        lambda row: (size(row.making.storage_bytes), row.making.storage_bytes),
        page="storage",
        board="storage",
        costs="storage",
        fields=lambda row: {"storage_bytes": row.making.storage_bytes},
        fields_after="difference",
    ),
    Column(
        "accuracy",
        lambda row: percent_cell(row.accuracy),
        page="accuracy %",
        board="accuracy",
        markdown=lambda row, _: percent(row.accuracy),
        fields=lambda row: numbers("accuracy", row.accuracy),
    ),
    Column(
        "control",
        _control,
        page="control %",
        board="control",
        markdown=_control_in_markdown,
        fields=lambda row: {
            "control": row.control_name,
            "control_labels": row.control_labels,
            **numbers("control_accuracy", row.control, counted=False),
        },
    ),
    Column(
        "difference",
        lambda row: percent_cell(row.difference, sign=True),
        page="difference",
        board="- control",
        fields=lambda row: numbers("difference", row.difference, counted=False),
    ),
    Column(
        "n",
        lambda row: text_cell("" if row.accuracy is None else counts(row.accuracy)),
        page="n",
        board="n",
    ),
    Column(
        "distil",
        lambda row: (_seconds(row.making.distil_seconds), row.making.distil_seconds),
        page="distil",
        costs="distil",
        fields=lambda row: {"distil_seconds": row.making.distil_seconds},
    ),
    Column(
        "networks",
        lambda row: (duration(row.making.other_seconds), row.making.other_seconds),
        page="networks",
        costs="networks",
        markdown=lambda row, _: (
            duration(row.making.other_seconds) if row.making.other_seconds else ""
        ),
        fields=lambda row: {"teachers_seconds": row.making.other_seconds},
    ),
    Column(
        "size of networks",
        lambda row: (
            size(row.making.networks_bytes) if row.making.networks_bytes else "",
            row.making.networks_bytes,
        ),
        costs="their size",
        fields=lambda row: {"teachers_bytes": row.making.networks_bytes},
    ),
    Column(
        "memory",
        _peak,
        page="memory",
        costs="peak memory",
        fields=lambda row: {"peak_memory_bytes": _peak(row)[1]},
    ),
    Column(
        "device",
        lambda row: text_cell(row.making.device),
        fields=lambda row: {"device": row.making.device},
    ),
    Column(
        "runs",
        lambda row: text_cell(" ".join(row.runs)),
        fields=lambda row: {"runs": " ".join(row.runs)},
    ),
    Column(
        "notes",
        lambda row: text_cell("; ".join(row.notes)),
        page="notes",
        fields=lambda row: {"notes": "; ".join(row.notes)},
    ),
)


def csv_fields(row: Standing) -> Mapping[str, Any]:
    """The CSV fields of a row, in their order."""
    order = [column for column in COLUMNS if not column.fields_after]
    for column in COLUMNS:
        if column.fields_after:
            names = [other.name for other in order]
            order.insert(names.index(column.fields_after) + 1, column)
    return {
        name: value
        for column in order
        if column.fields is not None
        for name, value in column.fields(row).items()
    }
