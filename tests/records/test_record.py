"""Records: what comes back from the file, what is refused, and which one supersedes which."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ddbench.errors import UserError
from ddbench.records.measurement import Measurement
from ddbench.records.record import SCHEMA, Record, largest_contained
from ddbench.records.report import report

Make = Callable[..., Record]
Written = Callable[..., list[Path]]
HEAVY = {"torch", "omegaconf", "scipy", "pandas", "numpy", "matplotlib", "hydra"}


def test_records_are_read_without_heavy_packages() -> None:
    program = "import sys, ddbench.records, ddbench.records.record; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert HEAVY & set(done.stdout.split()) == set()


def measured(protocol: str, subject: str = "apm", value: float | None = 0.5) -> Measurement:
    values = () if value is None else (value,) * 3
    where: dict[str, str | int | float] = {"protocol": protocol, "subject": subject}
    return Measurement("accuracy", value, "fraction", values, where, "")


HARD, SOFT = measured("hard/1"), measured("soft/1")
PROTOCOLS = ("hard/1", "soft/1", "noaug/1")
REGIMES = dict.fromkeys(PROTOCOLS, "class ids")


@pytest.fixture
def record(make: Make) -> Make:
    """A record of one distilled set with these measurements."""

    def of(run: str, *measurements: Measurement, **changes: Any) -> Record:
        fixed = {"run": run * 24, "name": f"apm-{run}", "protocols": PROTOCOLS, "regimes": REGIMES}
        return make(**{**fixed, "measurements": measurements, **changes})

    return of


def test_record_comes_back_from_its_file(record: Make, written: Written, tmp_path: Path) -> None:
    first = record("a", HARD, measured("soft/1", value=None), curve=3)
    (path,) = written(tmp_path, first)
    assert Record.load(path) == first
    assert next(iter(json.loads(path.read_text()).items())) == ("schema", SCHEMA)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema": "ddbench-record/0"}, "schema"),
        ({"measurements": 3}, "measurements=3"),
        ({"measurements": [{}]}, "measurements.0.metric is missing"),
        ({"measurements": [3]}, "measurements.0=3"),
        ({"surprise": 1}, "surprise is not a field"),
        ({"task": {"ipc": 1, "surprise": 1}}, "task"),
        ({"finished": "yesterday"}, "finished='yesterday'"),
        ({"environment": {"device_name": "x", "more": [1e999]}}, "environment.more"),
    ],
)
def test_damaged_record_is_said_in_one_line_that_names_the_field(
    change: dict[str, Any], told: str, record: Make, tmp_path: Path
) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps({**record("a", HARD).plain(), **change}))
    with pytest.raises(UserError) as refused:
        Record.load(path)
    assert str(refused.value).startswith(str(path))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "[]", "3", "{", '{"schema": ["ddbench-record/2"]}'])
def test_file_that_is_no_record_is_said_in_one_line(text: str, tmp_path: Path) -> None:
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(UserError):
        Record.load(tmp_path / "record.json")


@pytest.mark.parametrize(
    "wrong",
    [
        Measurement("accuracy", float("nan"), "fraction"),
        Measurement("an odd", 1.0, "fraction"),
        Measurement("odd", 1.0, "fraction", ("one",)),  # type: ignore[arg-type]
        Measurement("odd", 1.0, "fraction", (), {"of": "a\ud800"}),
        Measurement("odd", 1.0, "fraction", (), {"of": True}),
        Measurement("odd", 1.0, "fraction", (), {}, "a\x00b"),
        Measurement("odd", 1e200, "bytes"),
        Measurement("odd", 2, "bytes", (), {"of": 10**101}),
    ],
    ids=repr,
)
def test_measurement_of_an_evaluator_is_checked_where_the_record_is_made(
    wrong: Measurement, record: Make
) -> None:
    with pytest.raises(ValueError, match="measurements"):
        record("a", HARD, wrong)


def test_larger_record_supersedes_the_largest_that_it_contains(
    record: Make, written: Written, tmp_path: Path
) -> None:
    small, large = record("a", HARD), record("b", HARD, measured("hard/1", "random"))
    new = record("c", *large.measurements, SOFT)
    assert largest_contained(new, written(tmp_path, large, small)) == large.run


def test_of_equal_records_the_latest_is_superseded(
    record: Make, written: Written, tmp_path: Path
) -> None:
    late = record("a", HARD, finished="2026-01-02T00:00:00+00:00")
    paths = written(tmp_path, late, record("b", HARD))
    assert largest_contained(record("c", HARD, SOFT), paths) == late.run


@pytest.mark.parametrize(
    "other",
    [
        lambda record: record("b", SOFT),
        lambda record: record("b", HARD, measured("noaug/1")),
        lambda record: record("b", measured("hard/1", "random")),
        lambda record: record("b", HARD, seed=1),
        lambda record: record("b", HARD, given={"image_rate": 1}),
        lambda record: record("b", measured("hard/1", value=None), budget="paper"),
        lambda record: record("c", HARD),
    ],
)
def test_record_that_is_not_contained_is_not_superseded(
    other: Callable[[Make], Record], record: Make, written: Written, tmp_path: Path
) -> None:
    paths = written(tmp_path, other(record))
    assert largest_contained(record("c", HARD), paths) is None


def test_damaged_neighbours_are_passed_over(record: Make, written: Written, tmp_path: Path) -> None:
    (path,) = written(tmp_path, record("a", HARD))
    (tmp_path / "broken.json").write_text("{")
    paths = [tmp_path / "broken.json", tmp_path / "missing.json", path]
    assert largest_contained(record("c", HARD, SOFT), paths) == "a" * 24


@pytest.fixture
def reported(record: Make, written: Written, tmp_path: Path) -> Callable[..., list[str]]:
    """The lines on storage in the report of a record that was written and read."""

    def lines(*pools: dict[str, Any]) -> list[str]:
        networks = [{"stage": "made", **pool} for pool in pools]
        one = record("a", networks=networks, budget="paper")
        text = report(Record.load(written(tmp_path, one)[0]))
        return text[text.index("storage") :].splitlines()

    return lines


LAST = {"stream": "teacher", "networks": 2, "bytes": 95_600}
LENGTHS = {"epochs": 10, "snapshots": 1, "trajectory_bytes": 1_051_600}


def test_teachers_are_reported_beside_expert_trajectories_of_the_same_training(
    reported: Callable[..., list[str]],
) -> None:
    assert reported({**LAST, **LENGTHS}) == [
        "storage of the set: 310 kB; 2 teachers: 95.6 kB",
        "2 teachers held as the last of 10 epochs; expert trajectories of the same training would "
        "take 11 times that: 1.05 MB",
    ]


def test_expert_trajectories_are_reported_beside_their_last_epochs(
    reported: Callable[..., list[str]],
) -> None:
    experts = {"stream": "expert", "networks": 2, "bytes": 1_051_600}
    assert reported({**experts, **LENGTHS, "snapshots": 11}) == [
        "storage of the set: 310 kB; 2 experts: 1.05 MB",
        "2 experts held as 11 snapshots of 10 epochs; the last epoch alone would take 95.6 kB",
    ]


def test_record_without_lengths_of_training_says_nothing_of_trajectories(
    reported: Callable[..., list[str]],
) -> None:
    assert reported(LAST) == ["storage of the set: 310 kB; 2 teachers: 95.6 kB"]


def test_peak_of_each_phase_says_where_it_was_read(make: Make, altered: Make) -> None:
    changes = {
        "costs.0.resident_peak_bytes": 0,
        "costs.1.allocated_peak_bytes": 0,
        "costs.2.allocated_peak_bytes": 5_000,
        "costs.3.resident_peak_bytes": 7_000,
    }
    lines = report(altered(make("apm"), changes)).splitlines()
    table = {line.split("  ")[0]: line for line in lines}
    assert table["data"].endswith("n/a")
    assert table["teachers"].endswith("0 B allocated")
    assert table["distil"].endswith("5 kB allocated")
    assert table["scored data"].endswith("7 kB")


def test_class_counts_stand_in_a_file_only_where_classes_differ_in_them(
    record: Make, written: Written, tmp_path: Path
) -> None:
    even = record("a", HARD)
    assert "class_counts" not in even.plain()["task"]
    task = {**even.plain()["task"], "class_counts": [even.task.ipc, 1, 1]}
    uneven = Record.model_validate({**even.model_dump(), "name": "uneven", "task": task})
    assert [Record.load(path) for path in written(tmp_path, even, uneven)] == [even, uneven]
    assert uneven.plain()["task"]["class_counts"] == [even.task.ipc, 1, 1]
    assert (even.task.ipc_in_words, uneven.task.ipc_in_words) == ("10", "1 to 10")
