"""The web page: one file that needs no server, no address and, for reading tables, no script."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from typing import Any

from ..records.record import Record
from ..records.statistics import over_seeds_and_networks
from .boards import Entry, Setting, canonical
from .columns import COLUMNS, Cell, count_cell, percent_cell, text_cell
from .labels import budget_label, dataset_label, setting_title, variant_label
from .markdown import LEGEND
from .markdown_text import counts, p_value_text, percent, value
from .other_measurements import Other, Topic
from .reading import Reading
from .standings import Standings
from .tables import Results, picture_names

TEMPLATE = "page.html"
PNG = b"\x89PNG\r\n\x1a\n"


def page(
    results: Results,
    reading: Reading,
    tables: Mapping[str, bytes],
    galleries: Mapping[str, bytes],
) -> str:
    """The page's HTML.

    Args:
        results: what is shown.
        reading: what is left out, and why.
        tables: the files of the tables, of which the pictures are embedded.
        galleries: pictures of distilled sets (PNG) by name of the record.
    """
    from jinja2 import Environment

    template = files("ddbench.leaderboard").joinpath(TEMPLATE).read_text(encoding="utf-8")
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    names = picture_names(results.boards)
    settings = [
        {
            "picture": _embedded(tables.get(f"pictures/{names[setting]}")),
            "title": setting_title(setting),
            "whole": _whole(results.whole.get(setting)),
            "boards": [_board(one) for one in same],
            "topics": [
                _topic(topic, rows)
                for topic, rows in results.others.items()
                if topic.setting == setting
            ],
        }
        for setting, same in groupby(results.boards, key=lambda one: one.board.setting)
    ]
    filters: dict[str, list[str]] = {
        "dataset": sorted({dataset_label(one.board.setting).full for one in results.boards}),
        "model": sorted({one.board.setting.model for one in results.boards}),
        "budget": sorted({budget_label(one.board.setting).full for one in results.boards}),
        "protocol": sorted({one.board.protocol.label for one in results.boards}),
        "ipc": [str(i) for i in sorted({row.ipc for one in results.boards for row in one.rows})],
    }
    shown = sorted(
        (entry for entry in results.entries if entry.record.name in galleries),
        key=lambda entry: entry.record.name,
    )
    return environment.from_string(template).render(
        legend=LEGEND,
        reading=reading,
        entering=len(results.entries),
        filters=filters,
        settings=settings,
        published=_published(results),
        galleries=[_gallery(entry, galleries[entry.record.name]) for entry in shown],
        data=_script(_records(results.entries)),
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


def _board(one: Standings) -> dict[str, Any]:
    columns = [column for column in COLUMNS if column.page]
    pairs = [
        [
            count_cell(pair.ipc),
            text_cell(variant_label(pair.first).full),
            text_cell(variant_label(pair.second).full),
            percent_cell(pair.difference, sign=True),
            (p_value_text(pair.p), pair.p),
            (p_value_text(pair.p_holm), pair.p_holm),
            text_cell(counts(pair.difference)),
        ]
        for pair in one.pairs
    ]
    return {
        **_placed(one.board.setting),
        "protocol": one.board.protocol.label,
        "title": f"{one.board.protocol.label}, labels: {one.board.labels or 'none'}",
        "headers": [column.page for column in columns],
        "rows": [
            {"cells": [column.cell(row) for column in columns], "ipc": row.ipc, "runs": row.runs}
            for row in one.rows
        ],
        "pair_headers": ["ipc", "first", "second", "difference", "p", "p, Holm", "n"],
        "pairs": [{"cells": cells, "ipc": cells[0][0], "runs": ()} for cells in pairs],
    }


def _topic(topic: Topic, rows: Sequence[Other]) -> dict[str, Any]:
    names = sorted({name for row in rows for name in row.shown})
    unit = "%" if topic.unit == "fraction" else topic.unit
    return {
        **_placed(topic.setting),
        "protocol": topic.protocol_label,
        "title": f"{topic.metric}{f' under {topic.protocol_label}' if topic.protocol else ''}",
        "headers": ["ipc", "method", *names, f"value {unit}".strip(), "n"],
        "rows": [
            {
                "cells": [
                    count_cell(row.ipc),
                    text_cell(row.label.full),
                    *(_coordinate(row, name) for name in names),
                    (value(row.estimate, topic.unit), row.estimate.mean),
                    text_cell(counts(row.estimate)),
                ],
                "ipc": row.ipc,
                "runs": row.runs,
            }
            for row in rows
        ],
    }


def _coordinate(row: Other, name: str) -> Cell:
    found = row.shown.get(name, "")
    return (str(found), found)


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
            (f"{one.figure.value:.4g}", one.figure.value),
            (f"{one.measured.mean:.4g}", one.measured.mean) if one.measured else ("", None),
            (
                f"{one.measured.mean - one.figure.value:+.4g}" if one.measured else "",
                one.measured.mean - one.figure.value if one.measured else None,
            ),
            text_cell(one.budget),
            text_cell(one.told.full),
        ]
        for one in sorted(results.reproductions, key=lambda one: one.measured is None)
    ]
    return {
        "headers": headers,
        "rows": [{"cells": cells, "ipc": "", "runs": ()} for cells in rows],
        "sources": sorted({one.figure.source for one in results.reproductions}),
        "measured": sum(one.measured is not None for one in results.reproductions),
    }


def _gallery(entry: Entry, picture: bytes) -> dict[str, str]:
    task = entry.record.task
    method = variant_label(entry.variant).full
    told = f"{method} on {task.dataset.name}, ipc {task.ipc_in_words}, seed {task.seed}"
    return {
        **_placed(entry.setting),
        "run": entry.record.run,
        "ipc": str(task.ipc),
        "told": told,
        "picture": _embedded(picture),
    }


def _records(entries: Sequence[Entry]) -> dict[str, Any]:
    """Records without their curves, and the parts that they share."""
    numbers: dict[str, int] = {}
    shared: list[Any] = []

    def once(part: Any) -> dict[str, int]:
        text = canonical(part)
        if text not in numbers:
            numbers[text] = len(shared)
            shared.append(part)
        return {"shared": numbers[text]}

    records = []
    for entry in sorted(entries, key=lambda entry: (entry.record.name, entry.record.run)):
        plain = _plain(entry.record)
        plain["method"] = {**plain["method"], "settings": once(plain["method"]["settings"])}
        if plain["control"]:
            plain["control"] = {**plain["control"], "settings": once(plain["control"]["settings"])}
        for name in ("environment", "budget", "evaluators"):
            plain[name] = once(plain[name])
        plain["task"] = {**plain["task"], "model": once(plain["task"]["model"])}
        plain["protocols"] = [protocol.label for protocol in entry.record.protocols]
        plain["place"] = {
            **_placed(entry.setting),
            "label": variant_label(entry.variant).full,
        }
        records.append(plain)
    return {"records": records, "shared": shared}


def _plain(record: Record) -> dict[str, Any]:
    values = record.plain()
    del values["curve"]
    return values


def _script(data: Any) -> Any:
    """JSON that can stand in a script element: nothing in it ends the element."""
    from markupsafe import Markup

    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False)
    escapes = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028"}
    for sign, escape in escapes.items():
        text = text.replace(sign, escape)
    return Markup(text)


def _placed(setting: Setting) -> dict[str, str]:
    return {
        "dataset": dataset_label(setting).full,
        "model": setting.model,
        "budget": budget_label(setting).full,
    }


def _whole(values: tuple[float, ...] | None) -> str:
    if not values:
        return ""
    told = over_seeds_and_networks({0: values})
    return f"All real training images: {percent(told)} % (n {counts(told)})."


def _embedded(picture: bytes | None) -> str:
    return f"data:image/png;base64,{base64.b64encode(picture).decode()}" if picture else ""
