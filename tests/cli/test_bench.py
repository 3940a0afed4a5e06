"""`ddbench bench`: a table, a record and a picture; mistakes are one line."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

import ddbench
from ddbench.bench.growth import SIZES
from ddbench.bench.session import SCHEMA

TINY = ("dataset=digits", "ipc=1", "budget=smoke", "model.width=8", "threads=1", "device=cpu")
QUICK = (*TINY, "--seconds", "0", "--batch", "10")
ROOT = Path(str(ddbench.__file__)).resolve().parents[1]


@pytest.fixture
def left(tmp_path):
    """What the command leaves, by the end of its name."""
    return lambda: {path.suffix: path for path in (tmp_path / "runs" / "bench").iterdir()}


def test_the_table_is_printed_and_left_with_record_and_picture(command, left):
    answer = command("bench", "random", "student", *QUICK)
    assert (answer.status, answer.err) == (0, "")
    assert "1/2 random, selection: " in answer.out
    assert "x floor" in answer.out
    files = left()
    assert set(files) == {".json", ".md", ".png"}
    assert answer.out.rstrip().endswith(str(files[".json"].relative_to(files[".json"].parents[2])))
    assert "| student " in files[".md"].read_text(encoding="utf-8")
    assert files[".png"].read_bytes().startswith(b"\x89PNG")
    record = json.loads(files[".json"].read_text(encoding="utf-8"))
    assert record["schema"] == SCHEMA
    assert record["environment"]["threads"] == 1
    assert {"packages", "python", "platform", "device_name"} <= set(record["environment"])
    assert len(record["load_average"]["begun"]) == 3
    random, student = record["measured"]
    assert (random["name"], random["which"]) == ("random", "selection")
    assert student["images"] == 10
    assert len(student["wall_seconds"]) == len(student["floor_processor_seconds"]) == 3
    ratios = [
        own / floor
        for own, floor in zip(
            student["processor_seconds"], student["floor_processor_seconds"], strict=True
        )
    ]
    assert student["quartiles"]["times_the_floor"]["median"] == sorted(ratios)[1]


def test_json_is_all_that_is_printed_where_it_is_asked_for(command, left):
    answer = command("bench", "random", "json=true", *QUICK)
    assert answer.status == 0
    assert json.loads(answer.out) == json.loads(left()[".json"].read_text(encoding="utf-8"))


def test_several_values_are_several_cases(command, left):
    words = [word for word in QUICK if word != "model.width=8"]
    assert command("bench", "random", "model.width=8,16", *words).status == 0
    record = json.loads(left()[".json"].read_text(encoding="utf-8"))
    assert [row["case"] for row in record["measured"]] == ["model.width=8", "model.width=16"]


def test_growth_has_a_table_a_picture_and_exponents(command, left, monkeypatch):
    monkeypatch.setattr("ddbench.bench.growth.SIZES", tuple(s for s in SIZES if s.name == "batch"))
    answer = command("bench", "teacher", "--grow", "all", *QUICK)
    assert (answer.status, answer.err) == (0, "")
    assert "exponent" in answer.out
    assert set(left()) == {".json", ".md", ".png"}
    (row,) = json.loads(left()[".json"].read_text(encoding="utf-8"))["growth"]
    assert (row["label"], row["size"], row["values"]) == ("teacher", "batch", [25, 50, 100, 200])
    assert set(row["seconds_exponent"]) == {"value", "low", "high"}


def test_another_ddbench_does_the_same_by_turns(command, left):
    against = f"env PYTHONPATH={ROOT} {sys.executable} -m ddbench"
    answer = command("bench", "student", "--against", against, *QUICK)
    assert (answer.status, answer.err) == (0, "")
    assert "x as fast" in answer.out
    assert "Both are the same: what differs is noise." in answer.out
    record = json.loads(left()[".json"].read_text(encoding="utf-8"))
    assert record["against"] == against
    assert record["other"]["folder"] == str(ROOT / "ddbench")
    (row,) = record["measured"]
    assert len(row["other_wall_seconds"]) == 3
    assert row["quartiles"]["times_as_fast_as_other"]["median"] > 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["sudent"], "unknown work 'sudent': did you mean student"),
        (["random", "ip=3"], "unknown setting 'ip'"),
        (["ip=3"], "unknown setting 'ip'"),
        (["model.width=0"], "width"),
        (["random", "method=dm"], "method: name the methods themselves"),
        (["--agianst", "x"], "unknown option '--agianst': did you mean --against"),
        (["--against", ""], "against: give against=VALUE"),
        (["--against", " "], "against: give the command"),
        (["--against", "'"], "against=': No closing quotation"),
        (["random", "--against", "/no/such/python -m ddbench"], "cannot be started"),
        (["--grow", "witdh"], "unknown size 'witdh': did you mean width"),
        (["random", "--grow", "K"], "grow: none of the work that is named has such a size"),
        (["--grow", "ipc", "--against", "x"], "grow and against: ask for one of them"),
        (["--batch", "0"], "batch=0: batch is a whole number from 1"),
        (["--batch", "1.5"], "batch=1.5: batch is a whole number"),
        (["--seconds", "nan"], "seconds=nan: seconds is a number from 0"),
        (["nas_cell", "dataset=random_pixels", "dataset.resolution=30"], "multiple of 4"),
    ],
)
def test_a_mistake_is_one_line(words, told, command):
    assert told in command("bench", *words).complaint


def test_work_that_a_task_does_not_allow_is_left_out_where_all_is_measured(
    command, left, monkeypatch
):
    monkeypatch.setattr("ddbench.bench.workloads.names", lambda: ["random", "nas_cell"])
    answer = command("bench", "dataset.resolution=30", "dataset.images=5", *QUICK[1:])
    assert answer.status == 0
    assert "nas_cell is left out: " in answer.out
    record = json.loads(left()[".json"].read_text(encoding="utf-8"))
    assert list(record["skipped"]) == ["nas_cell"]
