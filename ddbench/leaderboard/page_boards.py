"""Boards as data for the page's overview and plot, and its tables as rows of cells."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from ..distilling.method_style import variant_styles
from .columns import COLUMNS, Cell, count_cell, csv_fields, percent_cell, text_cell
from .csv_files import board_fields, rounded
from .entries import Setting
from .labels import (
    budget_label,
    dataset_label,
    protocol_label,
    setting_title,
    variant_label,
    warning,
)
from .markdown_text import counts, p_value_text, value
from .other_measurements import Other, Topic
from .standings import Standings
from .tables import Results

PAIR_HEADERS = ("ipc", "first", "second", "difference", "p", "p, Holm", "n", "beats")


def boards_json(results: Results) -> str:
    """`{"boards": [...], "styles": {...}}` as JSON.

    A board has its place, the mean accuracy of networks trained on all real data, and its rows with
    the fields of `scores.csv`. A style is a matplotlib colour and marker, by method as it was run.
    """
    found = {row.variant.across_ipc for one in results.boards for row in one.rows}
    # Sets made here get the method's own marker.
    variants = sorted(found, key=lambda variant: (variant.origin != "", variant))
    styles = {
        variant_label(variant).full: {
            "colour": style["color"],
            "marker": style["marker"],
        }
        for variant, style in zip(
            variants, variant_styles([variant.method for variant in variants]), strict=True
        )
    }
    boards = [
        {
            **placed(one.board.setting),
            "protocol": protocol_label(one.board),
            "title": board_title(one),
            "warning": warning(one.board.setting),
            "whole": _mean(results.whole.get(one.board.setting)),
            "fields": board_fields(one.board),
            "rows": [
                {name: rounded(own) for name, own in csv_fields(row).items()} for row in one.rows
            ],
        }
        for one in results.boards
    ]
    return json.dumps({"boards": boards, "styles": styles}, separators=(",", ":"))


def placed(setting: Setting) -> dict[str, str]:
    """The place of a board, a table or a picture, by the names of the page's pickers."""
    return {
        "dataset": dataset_label(setting).full,
        "model": setting.model,
        "budget": budget_label(setting).full,
    }


def board_title(one: Standings) -> str:
    """A title such as "soft/1, label teacher (digits: convnet-width32, budget short)"."""
    return f"{protocol_label(one.board)} ({setting_title(one.board.setting)})"


def board_table(one: Standings) -> dict[str, Any]:
    """A board and its pairs as tables."""
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
            text_cell("yes" if pair.decided else ""),
        ]
        for pair in one.pairs
    ]
    return {
        **placed(one.board.setting),
        "protocol": protocol_label(one.board),
        "title": board_title(one),
        "warning": warning(one.board.setting),
        "headers": [column.page for column in columns],
        "rows": [
            {"cells": [column.cell(row) for column in columns], "ipc": row.ipc, "runs": row.runs}
            for row in one.rows
        ],
        "pair_headers": PAIR_HEADERS,
        "pairs": [{"cells": cells, "ipc": cells[0][0], "runs": ()} for cells in pairs],
    }


def topic_table(topic: Topic, rows: Sequence[Other]) -> dict[str, Any]:
    """Another measurement as a table."""
    names = sorted({name for row in rows for name in row.shown})
    unit = "%" if topic.unit == "fraction" else topic.unit
    under = f" under {topic.protocol_label}" if topic.protocol else ""
    return {
        **placed(topic.setting),
        "title": f"{topic.metric}{under} ({setting_title(topic.setting)})",
        "warning": warning(topic.setting),
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


def _mean(values: tuple[float, ...] | None) -> float | None:
    return sum(values) / len(values) if values else None
