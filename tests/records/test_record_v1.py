"""Records of schema 1 are read as those of today, whatever the order of their keys."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ddbench.errors import UserError
from ddbench.records.record import Record, largest_contained
from ddbench.store.files import write_json

RESULTS = Path(__file__).parents[2] / "leaderboards" / "results"
APM = RESULTS / "apm-cifar10-ipc10-short-seed0-beeeda7eb0.json"


def v1() -> dict[str, Any]:
    values: dict[str, Any] = json.loads(APM.read_text(encoding="utf-8"))
    return values


def loaded(values: dict[str, Any], folder: Path) -> Record:
    write_json(folder / "record.json", values)
    return Record.load(folder / "record.json")


@pytest.mark.parametrize("path", sorted(RESULTS.glob("*.json"))[::7], ids=lambda path: path.stem)
def test_committed_record_is_the_same_when_it_is_written_anew(path: Path, tmp_path: Path) -> None:
    record = Record.load(path)
    assert loaded(record.plain(), tmp_path) == record


def test_stages_and_streams_are_those_that_the_names_told() -> None:
    record = Record.load(APM)
    assert {(cost.phase, cost.stage) for cost in record.costs} == {
        ("data", "read"),
        ("input space", "made"),
        ("teacher", "made"),
        ("distil", "made"),
        ("scored data", "scored"),
        ("label-teacher", "scored"),
        ("score", "scored"),
    }
    assert [(pool.stream, pool.stage) for pool in record.networks] == [
        ("teacher", "made"),
        ("label-teacher", "scored"),
    ]


def test_order_of_keys_tells_nothing(tmp_path: Path) -> None:
    values = json.loads(json.dumps(v1(), sort_keys=True))
    found, known = loaded(values, tmp_path), Record.load(APM)
    assert sorted(found.costs, key=str) == sorted(known.costs, key=str)
    assert found.model_copy(update={"costs": known.costs}) == known


def test_of_two_pools_of_one_stream_the_first_made_the_set(tmp_path: Path) -> None:
    values = v1()
    values["costs"]["teacher"] = values["costs"]["score"]
    values["networks"].append(values["networks"][0])
    record = loaded(values, tmp_path)
    stages = [pool.stage for pool in record.networks if pool.stream == "teacher"]
    assert stages == ["made", "scored"]


def test_texts_are_taken_apart(tmp_path: Path) -> None:
    values = v1()
    trial = "soft/1 on trial at 0.02"
    values["protocols"] = ["hard/1", trial]
    values["task"]["validation"], values["data"]["scored_split"] = 0.2, "validation"
    values["data"]["train_hash"] = f"part-{'a' * 40}"
    values["measurements"] = [
        {"metric": "peak_memory", "value": 1, "unit": "bytes", "values": [], "note": "",
         "coordinates": {"phase": phase, "of": "resident set"}}
        for phase in ("distil: steps", "teachers", "distil")
    ]  # fmt: skip
    record = loaded(values, tmp_path)
    assert record.protocols[1].trial_rate == 0.02
    assert record.protocols[1].label == trial
    assert record.data.train_hash == "a" * 40
    assert [m.coordinates for m in record.measurements] == [
        {"phase": "distil", "part": "steps", "of": "resident set"},
        {"phase": "teacher", "of": "resident set"},
        {"phase": "distil", "of": "resident set"},
    ]


def test_record_of_today_supersedes_one_of_schema_1(tmp_path: Path) -> None:
    old = Record.load(APM)
    new = old.model_copy(update={"run": "f" * 24})
    assert new.contains(old)
    assert old.contains(new)
    assert largest_contained(new, [APM]) == old.run


@pytest.mark.parametrize(
    ("place", "value"),
    [("costs", []), ("networks", [3]), ("task", None), ("protocols", "hard/1"), ("measurements", 3),
     ("protocols", ["hard"]), ("protocols", ["hard/1 on trial at nan"]), ("data", {}),
     ("costs", {"distil": {}}), ("measurements", [{"coordinates": {"phase": []}}])],
)  # fmt: skip
def test_damaged_record_is_said_in_one_line(place: str, value: Any, tmp_path: Path) -> None:
    with pytest.raises(UserError) as refused:
        loaded({**v1(), place: value}, tmp_path)
    assert "damaged" in str(refused.value)
    assert "\n" not in str(refused.value)
