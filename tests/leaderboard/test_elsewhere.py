"""Sets that were made elsewhere stand in rows of their own that say so."""

from __future__ import annotations

import pytest

from ddbench.leaderboard.columns import csv_fields
from ddbench.leaderboard.labels import variant_label
from ddbench.leaderboard.tables import results_of
from ddbench.records.facts import OriginFacts
from ddbench.records.record import Record

RECORDED = {"ConvNet": (0.25, 0.27, 0.26)}


def released(record: Record, source: str = "res_DM.pt", sha256: str = "c" * 64) -> Record:
    """The same numbers, of a set that was made elsewhere."""
    plain = record.plain() | {
        "origin": OriginFacts(name=record.method.name, source=source, recorded=RECORDED).plain(),
        "method": {"name": record.method.name, "version": 0, "settings": {}},
        "costs": [c for c in record.plain()["costs"] if c["stage"] != "made"],
        "run": sha256[:40],
    }
    del plain["schema"]
    plain["distilled"] = {**plain["distilled"], "key": sha256, "sha256": sha256}
    return Record.model_validate(plain)


@pytest.fixture
def rows(make):
    """A method here, and two sets of it that were released."""
    ours, theirs = make("dm"), make("dm", seed=1)
    found = results_of(
        [ours, released(theirs), released(theirs, sha256="d" * 64)],
        figures=[],
    )
    (board,) = found.boards
    return board.rows


def test_a_released_set_is_no_seed_of_our_own_method_nor_of_another_file(rows):
    labels = sorted(variant_label(row.variant).full for row in rows)
    assert labels == [
        "dm, made elsewhere: res_DM.pt #cccccccc",
        "dm, made elsewhere: res_DM.pt #dddddddd",
        "dm/1",
    ]


def test_what_its_making_cost_is_left_empty_and_what_was_recorded_is_told(rows):
    for row in rows:
        fields = csv_fields(row)
        if row.variant.origin:
            assert fields["distil_seconds"] is None
            assert fields["device"] == ""
            assert any("recorded by its authors, ConvNet: 26.0" in note for note in row.notes)
        else:
            assert fields["distil_seconds"] > 0


def test_a_set_without_the_cost_of_distilling_must_say_that_it_was_made_elsewhere(make):
    plain = released(make("dm")).plain()
    del plain["schema"], plain["origin"]
    with pytest.raises(ValueError, match="costs has no phase"):
        Record.model_validate(plain)


def test_a_released_set_stands_beside_its_published_accuracy_without_a_verdict(make):
    ours = make("apm", ipc=50, budget="paper", protocols=("paper/1",),
                model_label="convnet-width128")  # fmt: skip
    found = results_of([released(ours)]).reproductions
    (one,) = [one for one in found if one.measured is not None]
    assert one.figure.place == "Table 1"
    assert one.told.full == "no verdict: the set was made elsewhere and is only scored here"
