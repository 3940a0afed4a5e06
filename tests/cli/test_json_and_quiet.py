"""What programs read: JSON in place of tables, and commands that say nothing."""

from __future__ import annotations

import json

import pytest

from ddbench.cli.listing import KINDS
from ddbench.records.record import Record


def test_no_problems_are_an_empty_list(command):
    assert json.loads(command("list", "problems", "--json").out) == []


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "problems"])
def test_every_list_can_be_had_as_json(kind, command, runs):
    told = json.loads(command("list", kind, "--json").out)
    assert told
    assert all("name" in one for one in told)
    names = [line.split()[0] for line in command("list", kind).out.splitlines()]
    assert [one["name"] for one in told] == names


def test_a_list_of_nothing_is_an_empty_one(command):
    assert json.loads(command("list", "methods", "zz*", "--json").out) == []


def test_show_tells_values_and_their_sources(command):
    told = json.loads(command("show", "--json", "method=dm", "dataset=digits", "ipc=2").out)
    assert told["task"]["ipc"] == 2
    assert set(told["method"]["settings"]["iterations"]) == {"value", "source"}
    assert isinstance(told["notes"], list)


def test_evaluate_prints_the_record_and_nothing_else(command, runs):
    (file,) = runs.glob("random-*/distilled.safetensors")
    words = ("evaluate", str(file), "protocols=[hard]", "budget=smoke", "control=null", "threads=1")
    first = command(*words, "--json").out
    (file,) = (path for path in runs.glob("*/record.json") if path.read_text() == first)
    assert Record.load(file).origin is not None
    assert command(*words, "--json").out == first


def test_a_quiet_run_says_nothing_where_nothing_goes_wrong(run_tiny):
    for _ in range(2):  # the second finds it finished
        answer = run_tiny("--quiet", "evaluators=[]")
        assert (answer.status, answer.out, answer.err) == (0, "", "")
    assert run_tiny("--quiet", "ipc=100000").complaint


def test_a_quiet_sweep_says_its_table(run_tiny):
    lines = run_tiny("-m", "--quiet", "ipc=1,2", "evaluators=[]").out.strip().splitlines()
    assert lines[0].startswith("cell ")
    assert lines[-1] == "sweep: 2 of 2 cells done"
    assert len(lines) == 6
