"""Standings, pairs, costs and the rest as rows of CSV files."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from ..records.cost import joined
from .aggregates import POINTS, Aggregate, Conditions
from .best_controls import Improvement
from .boards import Board
from .columns import csv_fields, numbers
from .entries import Setting
from .labels import budget_label, dataset_label, labels_head, variant_label
from .mean_improvements import MeanImprovement, ModelAndBudget
from .other_measurements import Other, Topic
from .published import Reproduction
from .standings import Standings

Row = Mapping[str, Any]


def score_rows(boards: Iterable[Standings]) -> Iterator[Row]:
    """One row per method, ipc and board: fractions, seconds and bytes."""
    return ({**board_fields(one.board), **csv_fields(row)} for one in boards for row in one.rows)


def pair_rows(boards: Iterable[Standings]) -> Iterator[Row]:
    """One row for every two methods of a board and ipc."""
    return (
        {
            **board_fields(one.board),
            "ipc": pair.ipc,
            "first": variant_label(pair.first).full,
            "second": variant_label(pair.second).full,
            **numbers("difference", pair.difference),
            "p": pair.p,
            "p_holm": pair.p_holm,
            "beats": pair.decided,
        }
        for one in boards
        for pair in one.pairs
    )


def aggregate_rows(found: Mapping[Conditions, Sequence[Aggregate]]) -> Iterator[Row]:
    """One row for every method over the cells under the same conditions."""
    return (
        {
            "model": conditions.model,
            "budget": budget_label(conditions).full,
            "protocol": conditions.protocol.label,
            "labels": conditions.labels,
            "method": variant_label(one.variant).full,
            "cells": one.cells,
            "mean_rank": one.mean_rank,
            "mean_rank_low": one.interval and one.interval[0],
            "mean_rank_high": one.interval and one.interval[1],
            **{f"within_{points}": share for points, share in zip(POINTS, one.within, strict=True)},
        }
        for conditions, methods in found.items()
        for one in methods
    )


VERDICTS = {1: "above", 0: "alike", -1: "below", None: ""}


def improvement_rows(found: Mapping[Setting, Sequence[Improvement]]) -> Iterator[Row]:
    """One row for every method beside the best control, by ipc and protocol."""
    return (
        {
            **_of_setting(setting),
            "ipc": one.own.ipc,
            "method": variant_label(one.own.variant).full,
            "labels": labels_head(one.protocol),
            "protocol": one.own.protocol.label,
            "storage_bytes": one.own.storage_bytes,
            "control": one.control and variant_label(one.control.variant).full,
            "control_ipc": one.control and one.control.ipc,
            "control_protocol": one.control and one.control.protocol.label,
            "control_storage_bytes": one.control and one.control.storage_bytes,
            "controls": one.controls,
            **numbers("improvement", one.difference),
            "verdict": VERDICTS[one.relation],
            "reason": one.reason,
        }
        for setting, improvements in found.items()
        for one in improvements
    )


def mean_improvement_rows(
    found: Mapping[ModelAndBudget, Sequence[MeanImprovement]],
) -> Iterator[Row]:
    """One row for every method over the cells of a model and budget, by protocol."""
    return (
        {
            "model": alike.model,
            "budget": budget_label(alike).full,
            "method": variant_label(one.variant).full,
            "labels": labels_head(one.protocol),
            "improvement": one.mean,
            "improvement_low": one.interval and one.interval[0],
            "improvement_high": one.interval and one.interval[1],
            "cells": len(one.values),
            "above": one.above,
            "alike": one.alike,
            "below": one.below,
        }
        for alike, means in found.items()
        for one in means
    )


def other_rows(topics: Mapping[Topic, Sequence[Other]]) -> Iterator[Row]:
    """One row for every place at which something other than accuracy was measured."""
    return (
        {
            **_of_setting(topic.setting),
            "protocol": topic.protocol_label,
            "metric": topic.metric,
            "unit": topic.unit,
            "ipc": row.ipc,
            "method": variant_label(row.variant).full,
            "subject": row.subject,
            "coordinates": _coordinates(row.shown),
            **numbers("value", row.estimate),
            "runs": " ".join(row.runs),
            "notes": "; ".join(row.notes),
        }
        for topic, rows in topics.items()
        for row in rows
    )


def published_rows(reproductions: Iterable[Reproduction]) -> Iterator[Row]:
    """One row for every published number and each measurement of its cell."""
    return (
        {
            "place": one.figure.place,
            "dataset": one.figure.dataset,
            "model": one.figure.model,
            "ipc": one.figure.ipc,
            "method": one.label.full,
            "metric": one.figure.metric,
            "coordinates": _coordinates(joined(one.figure.coordinates)),
            "published": one.figure.value,
            "published_spread": one.figure.spread,
            "reading": one.figure.reading,
            "selection": one.figure.selection,
            "budget": one.budget,
            **numbers("measured", one.measured),
            "difference": None if one.measured is None else one.measured.mean - one.figure.value,
            "verdict": one.told.full,
            "source": one.figure.source,
        }
        for one in reproductions
    )


def csv_bytes(rows: Iterable[Row]) -> bytes:
    """A CSV file of rows with the same fields; numbers to six digits, counts whole."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    known = list(rows)
    writer.writerow(known[0] if known else [])
    writer.writerows(map(_field, row.values()) for row in known)
    return text.getvalue().encode()


def rounded(value: Any) -> Any:
    """A float to six digits; any other value unchanged."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _field(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value


def _coordinates(coordinates: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}={value}" for name, value in coordinates.items())


def _of_setting(setting: Setting) -> dict[str, str]:
    return {
        "dataset": dataset_label(setting).full,
        "model": setting.model,
        "budget": budget_label(setting).full,
    }


def board_fields(board: Board) -> dict[str, str]:
    """The fields of a row that identify its board."""
    return {
        **_of_setting(board.setting),
        "protocol": board.protocol.label,
        "labels": board.labels,
    }
