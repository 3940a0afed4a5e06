"""Records: what comes back from the file, what is refused, and which one supersedes which."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from ddbench.errors import UserError
from ddbench.records.measurement import Measurement
from ddbench.records.record import Record, largest_contained
from ddbench.records.report import report
from ddbench.store.files import write_json


def measured(protocol: str, subject: str = "apm", value: float | None = 0.5) -> Measurement:
    values = () if value is None else (value,)
    where: dict[str, str | int | float] = {"protocol": protocol, "subject": subject}
    return Measurement("accuracy", value, "fraction", values, where, "")


def record(run: str, *measurements: Measurement, **changes: Any) -> Record:
    made = Record(
        run=run,
        supersedes=None,
        name=f"apm-{run}",
        method={"name": "apm"},
        task={},
        budget={"name": "smoke"},
        protocols=[],
        evaluators={},
        control=None,
        data={},
        distilled={"key": "d"},
        costs={},
        networks=[],
        measurements=list(measurements),
        curve=[],
        paper_seconds=None,
        environment={},
        finished="2026-01-01T00:00:00+00:00",
    )
    return dataclasses.replace(made, **changes)


def written(folder: Path, *records: Record) -> list[Path]:
    paths = [folder / f"{one.run}.json" for one in records]
    for path, one in zip(paths, records, strict=True):
        write_json(path, one.plain())
    return paths


HARD, SOFT = measured("hard/1"), measured("soft/1")


def test_record_comes_back_from_its_file(tmp_path: Path) -> None:
    first = record("a", HARD, measured("soft/1", value=None))
    (path,) = written(tmp_path, first)
    assert Record.load(path) == first
    assert next(iter(json.loads(path.read_text()))) == "schema"


@pytest.mark.parametrize(
    "change",
    [
        {"schema": "ddbench-record/0"},
        {"measurements": 3},
        {"measurements": [{}]},
        {"measurements": [3]},
        {"surprise": 1},
    ],
)
def test_damaged_record_is_said_in_one_line(change: dict[str, Any], tmp_path: Path) -> None:
    write_json(tmp_path / "record.json", {**record("a", HARD).plain(), **change})
    with pytest.raises(UserError) as refused:
        Record.load(tmp_path / "record.json")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "3", "{"])
def test_file_that_is_no_record_is_said_in_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(UserError):
        Record.load(tmp_path / "record.json")


def test_larger_record_supersedes_the_largest_that_it_contains(tmp_path: Path) -> None:
    small, large = record("a", HARD), record("b", HARD, measured("hard/1", "random"))
    new = record("c", *large.measurements, SOFT)
    paths = written(tmp_path, large, small)
    assert largest_contained(new, paths) == "b"


def test_of_equal_records_the_latest_is_superseded(tmp_path: Path) -> None:
    late = record("a", HARD, finished="2026-01-02T00:00:00+00:00")
    paths = written(tmp_path, late, record("b", HARD))
    assert largest_contained(record("c", HARD, SOFT), paths) == "a"


@pytest.mark.parametrize(
    "other",
    [
        record("b", SOFT),
        record("b", HARD, measured("noaug/1")),
        record("b", measured("hard/1", "random")),
        record("b", HARD, distilled={"key": "other"}),
        record("b", HARD, budget={"name": "paper"}),
        record("c", HARD),
    ],
)
def test_record_that_is_not_contained_is_not_superseded(other: Record, tmp_path: Path) -> None:
    assert largest_contained(record("c", HARD), written(tmp_path, other)) is None


def test_damaged_neighbours_are_passed_over(tmp_path: Path) -> None:
    (path,) = written(tmp_path, record("a", HARD))
    (tmp_path / "broken.json").write_text("{")
    paths = [tmp_path / "broken.json", tmp_path / "missing.json", path]
    assert largest_contained(record("c", HARD, SOFT), paths) == "a"


def reported(tmp_path: Path, *pools: dict[str, Any]) -> list[str]:
    """The lines on storage in the report of a record that was written and read."""
    task = {"dataset": "digits", "ipc": 1, "model_label": "m", "input_space": "s"}
    task |= {"seed": 0, "group": 0}
    one = record("a", task=task, networks=list(pools), distilled={"storage_bytes": 3000})
    text = report(Record.load(written(tmp_path, one)[0]))
    return text[text.index("storage") :].splitlines()


LAST = {"stream": "teacher", "networks": 2, "bytes": 95_600}
LENGTHS = {"epochs": 10, "snapshots": 1, "trajectory_bytes": 1_051_600}


def test_teachers_are_reported_beside_expert_trajectories_of_the_same_training(
    tmp_path: Path,
) -> None:
    assert reported(tmp_path, {**LAST, **LENGTHS}) == [
        "storage of the set: 3 kB; 2 teachers: 95.6 kB",
        "2 teachers held as the last of 10 epochs; expert trajectories of the same training would "
        "take 11 times that: 1.05 MB",
    ]


def test_expert_trajectories_are_reported_beside_their_last_epochs(tmp_path: Path) -> None:
    experts = {"stream": "expert", "networks": 2, "bytes": 1_051_600}
    assert reported(tmp_path, {**experts, **LENGTHS, "snapshots": 11}) == [
        "storage of the set: 3 kB; 2 experts: 1.05 MB",
        "2 experts held as 11 snapshots of 10 epochs; the last epoch alone would take 95.6 kB",
    ]


def test_record_without_lengths_of_training_says_nothing_of_trajectories(tmp_path: Path) -> None:
    assert reported(tmp_path, LAST) == ["storage of the set: 3 kB; 2 teachers: 95.6 kB"]
