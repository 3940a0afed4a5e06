"""A column of a board is declared once."""

from __future__ import annotations

import pytest

from ddbench.leaderboard import columns, markdown, page, page_boards
from ddbench.leaderboard.columns import COLUMNS, Column, csv_fields, text_cell
from ddbench.leaderboard.reading import Reading
from ddbench.leaderboard.tables import results_of, table_files


def test_names_and_headings_are_different():
    for place in ("name", "page", "board", "costs"):
        found = [getattr(column, place) for column in COLUMNS if getattr(column, place)]
        assert len(found) == len(set(found))


def test_every_column_stands_somewhere():
    assert all(one.page or one.board or one.costs or one.fields for one in COLUMNS)


def test_new_column_is_one_entry(make, monkeypatch):
    seeds = Column(
        "seeds",
        lambda row: text_cell(f"{len(row.seeds)} of them"),
        page="seeds drawn",
        board="seeds drawn",
        costs="seeds drawn",
        fields=lambda row: {"seeds_drawn": len(row.seeds)},
        fields_after="method",
    )
    for module in (markdown, page_boards):
        monkeypatch.setattr(module, "COLUMNS", (*COLUMNS, seeds))
    monkeypatch.setattr(columns, "COLUMNS", (*COLUMNS, seeds))
    record = make("apm")
    reading, results = Reading([record], read=1), results_of([record])
    files = table_files(results, reading, pictures=False)
    board = files["boards/cifar10.md"].decode()
    assert board.count("seeds drawn") == board.count("1 of them") == 2
    assert files["scores.csv"].decode().splitlines()[0].split(",")[9:11] == [
        "method",
        "seeds_drawn",
    ]
    assert "<td>1 of them</td>" in page.page(results, reading, {})


@pytest.mark.parametrize("name", ["storage_bytes", "notes"])
def test_csv_fields_keep_their_order(name, make):
    (board,) = results_of([make("apm")]).boards
    names = list(csv_fields(board.rows[0]))
    after = {"storage_bytes": "difference_half_width", "notes": "runs"}
    assert names[names.index(name) - 1] == after[name]
