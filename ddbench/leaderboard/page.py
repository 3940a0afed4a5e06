"""The web page: one file that needs no server, no connection and, to read tables, no script."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from .aggregates import POINTS
from .columns import Cell, count_cell, text_cell
from .entries import Entry
from .labels import (
    budget_label,
    conditions_title,
    protocol_label,
    variant_label,
    warning,
)
from .markdown import COSTS_DEPEND, LEGEND
from .markdown_aggregates import AGGREGATES_LEGEND, mean_rank_text, within_text
from .markdown_best_controls import IMPROVEMENTS_LEGEND, MEANS_LEGEND, TITLE
from .markdown_published import PUBLISHED_LEGEND, difference_text, published_text
from .markdown_text import value
from .page_best_controls import every_cell, over_cells
from .page_boards import board_table, boards_json, placed, topic_table
from .page_records import records_json
from .reading import Reading
from .tables import Results

TEMPLATE, STYLES, SCRIPTS = (
    "page.html",
    "page.css",
    ("page.js", "page_overview.js", "page_profiles.js", "page_views.js"),
)
PNG = b"\x89PNG\r\n\x1a\n"


def page(results: Results, reading: Reading, galleries: Mapping[str, bytes]) -> str:
    """The page's HTML.

    Args:
        results: the results to show.
        reading: what is left out, and why.
        galleries: pictures of distilled sets (PNG) by the record's name.
    """
    from jinja2 import Environment
    from markupsafe import Markup

    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    shown = sorted(
        (entry for entry in results.entries if entry.record.name in galleries),
        key=lambda entry: entry.record.name,
    )
    return environment.from_string(_asset(TEMPLATE)).render(
        styles=Markup(_asset(STYLES)),
        script=Markup("\n".join(map(_asset, SCRIPTS))),
        legend=LEGEND,
        costs=COSTS_DEPEND,
        reading=reading,
        entering=len(results.entries),
        boards=[board_table(one) for one in results.boards],
        topics=[topic_table(topic, rows) for topic, rows in results.others.items()],
        beyond=TITLE,
        beyond_legend=IMPROVEMENTS_LEGEND.replace("`", '"'),
        means_legend=MEANS_LEGEND,
        means=[over_cells(alike, own) for alike, own in results.mean_improvements.items()],
        improvements=every_cell(results.improvements),
        aggregates_legend=AGGREGATES_LEGEND,
        aggregates=_aggregates(results),
        published=_published(results),
        galleries=[_gallery(entry, galleries[entry.record.name]) for entry in shown],
        boards_json=_script(boards_json(results)),
        records_json=_script(records_json(results.entries)),
    )


def galleries_of(place: Path, runs: Path | None = None) -> dict[str, bytes]:
    """Pictures of distilled sets by the name of their record.

    Args:
        place: the folder `leaderboards/`, with a folder `galleries/`.
        runs: a folder of runs, each with its picture.
    """
    found = {path.stem: path for path in place.glob("galleries/*.png")}
    if runs is not None:
        found |= {path.parent.name: path for path in runs.glob("*/gallery.png")}
    pictures = {name: path.read_bytes() for name, path in sorted(found.items())}
    return {name: data for name, data in pictures.items() if data.startswith(PNG)}


def _aggregates(results: Results) -> list[dict[str, Any]]:
    return [
        {
            "title": conditions_title(conditions),
            "warning": warning(conditions),
            "protocol": protocol_label(conditions),
            "budget": budget_label(conditions).full,
            "model": conditions.model,
            "headers": ["method", "mean rank", *map(within_text, POINTS), "cells"],
            "rows": [
                {
                    "cells": [
                        text_cell(variant_label(one.variant).full),
                        (mean_rank_text(one), one.mean_rank),
                        *((f"{100 * share:.0f}%", share) for share in one.within),
                        count_cell(one.cells),
                    ],
                    "ipc": "",
                    "runs": (),
                }
                for one in methods
            ],
        }
        for conditions, methods in results.aggregates.items()
    ]


def _published(results: Results) -> dict[str, Any]:
    headers = ["place", "dataset", "ipc", "method", "metric", "published", "measured",
               "difference", "budget", "verdict"]  # fmt: skip
    rows: list[list[Cell]] = [
        [
            text_cell(one.figure.place),
            text_cell(one.figure.dataset),
            count_cell(one.figure.ipc),
            text_cell(one.label.full),
            text_cell(" ".join([one.figure.metric, *one.figure.shown.values()])),
            (published_text(one), one.figure.value),
            (value(one.measured, one.figure.unit), one.measured.mean)
            if one.measured
            else ("", None),
            (
                difference_text(one),
                one.measured.mean - one.figure.value if one.measured else None,
            ),
            text_cell(one.budget),
            text_cell(one.told.full),
        ]
        for one in sorted(results.reproductions, key=lambda one: one.measured is None)
    ]
    return {
        "legend": PUBLISHED_LEGEND.replace("`", '"'),
        "headers": headers,
        "rows": [{"cells": cells, "ipc": "", "runs": ()} for cells in rows],
        "sources": sorted({one.figure.source for one in results.reproductions}),
        "measured": sum(one.measured is not None for one in results.reproductions),
    }


def _gallery(entry: Entry, picture: bytes) -> dict[str, str]:
    record, task = entry.record, entry.record.task
    method = variant_label(entry.variant).full
    told = f"{method} on {task.dataset.shown_name}, ipc {task.ipc_in_words}, seed {task.seed}"
    return {
        **placed(entry.setting),
        "method": method,
        "name": record.method.name,
        "control": record.control.name if record.control else "",
        "seed": str(task.seed),
        "run": record.run,
        "ipc": str(task.ipc),
        "told": told,
        "picture": _embedded(picture),
    }


def _asset(name: str) -> str:
    return files("ddbench.leaderboard").joinpath(name).read_text(encoding="utf-8")


def _script(text: str) -> Any:
    """JSON that is safe in a script element: nothing in it ends the element."""
    from markupsafe import Markup

    escapes = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028"}
    for sign, escape in escapes.items():
        text = text.replace(sign, escape)
    return Markup(text)


def _embedded(picture: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}"
