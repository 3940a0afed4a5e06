"""Standings, pairs, costs and the rest as data frames: what the CSV files hold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..records.statistics import Estimate
from .boards import Board, Setting
from .other_measurements import Other, Topic
from .published import Reproduction
from .standings import Standings

if TYPE_CHECKING:
    import pandas

NUMBERS = "%.6g"


def scores_frame(boards: Iterable[Standings]) -> pandas.DataFrame:
    """One row a method, ipc and board: fractions, seconds and bytes."""
    return _frame(
        {
            **_of_board(one.board),
            "ipc": row.ipc,
            "rank": row.rank,
            "beaten_by": row.beaten_by,
            "method": row.variant.label,
            **_numbers("accuracy", row.accuracy),
            "control": row.control_name,
            **_numbers("control_accuracy", row.control, counts=False),
            **_numbers("difference", row.difference, counts=False),
            "storage_bytes": row.making.storage_bytes,
            "distil_seconds": row.making.distil_seconds,
            "teachers_seconds": row.making.other_seconds,
            "teachers_bytes": row.making.networks_bytes,
            "peak_memory_bytes": row.making.peak_bytes,
            "device": row.making.device,
            "runs": " ".join(row.runs),
            "notes": "; ".join(row.notes),
        }
        for one in boards
        for row in one.rows
    )


def pairs_frame(boards: Iterable[Standings]) -> pandas.DataFrame:
    """One row for every two methods of a board and ipc."""
    return _frame(
        {
            **_of_board(one.board),
            "ipc": pair.ipc,
            "first": pair.first.label,
            "second": pair.second.label,
            **_numbers("difference", pair.difference),
            "p": pair.p,
            "p_holm": pair.p_holm,
            "tied": pair.difference.holds_zero,
        }
        for one in boards
        for pair in one.pairs
    )


def others_frame(topics: Mapping[Topic, Sequence[Other]]) -> pandas.DataFrame:
    """One row for every place at which something else than accuracy was measured."""
    return _frame(
        {
            **_of_setting(topic.setting),
            "protocol": topic.protocol,
            "metric": topic.metric,
            "unit": topic.unit,
            "ipc": row.ipc,
            "method": row.variant.label,
            "subject": row.subject,
            "coordinates": "; ".join(f"{name}={value}" for name, value in row.coordinates),
            **_numbers("value", row.estimate),
            "runs": " ".join(row.runs),
            "notes": "; ".join(row.notes),
        }
        for topic, rows in topics.items()
        for row in rows
    )


def published_frame(reproductions: Iterable[Reproduction]) -> pandas.DataFrame:
    """One row for every published number and measurement of its cell."""
    return _frame(
        {
            "place": one.figure.place,
            "dataset": one.figure.dataset,
            "model": one.figure.model,
            "ipc": one.figure.ipc,
            "method": one.label,
            "metric": one.figure.metric,
            "coordinates": "; ".join(f"{k}={v}" for k, v in one.figure.coordinates.items()),
            "published": one.figure.value,
            "published_spread": one.figure.spread,
            "reading": one.figure.reading,
            "budget": one.budget,
            **_numbers("measured", one.measured),
            "difference": None if one.measured is None else one.measured.mean - one.figure.value,
            "verdict": one.verdict,
            "source": one.figure.source,
        }
        for one in reproductions
    )


def csv_bytes(frame: pandas.DataFrame) -> bytes:
    """The frame as a CSV file; numbers to six digits, counts whole."""
    text: str = frame.to_csv(index=False, float_format=NUMBERS, lineterminator="\n")
    return text.encode()


def _frame(rows: Iterable[dict[str, Any]]) -> pandas.DataFrame:
    import pandas

    frame = pandas.DataFrame.from_records(list(rows))
    # A count with a gap would otherwise be written as 1.0.
    counts = [name for name in ("ipc", "rank", "beaten_by", "seeds", "networks") if name in frame]
    return frame.astype(dict.fromkeys(counts, "Int64"))


def _of_setting(setting: Setting) -> dict[str, str]:
    return {"dataset": setting.dataset, "model": setting.model, "budget": setting.budget}


def _of_board(board: Board) -> dict[str, str]:
    return {**_of_setting(board.setting), "protocol": board.protocol, "labels": board.labels}


def _numbers(name: str, estimate: Estimate | None, counts: bool = True) -> dict[str, Any]:
    told: dict[str, Any] = {
        name: estimate and estimate.mean,
        f"{name}_half_width": estimate and estimate.half_width,
    }
    if counts:
        told |= {
            "seeds": estimate and estimate.seeds,
            "networks": estimate and estimate.networks,
            "interval_over": estimate.over if estimate else "",
        }
    return told
