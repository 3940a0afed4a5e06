"""Sweeps: every cell counts, none ends the others, and the status is that of the worst."""

from __future__ import annotations

import json
import signal
import sys
from pathlib import Path

import pytest

import ddbench
from ddbench.cli import cell
from ddbench.distilling.registry import METHODS
from ddbench.errors import StopRequested
from ddbench.records.record import Record

from .conftest import TINY


class Ran:
    """An outcome for which nothing needs to be printed."""

    ran = True
    folder = Path("nowhere")


@pytest.fixture
def crash(monkeypatch):
    """Make the method Random fail at ipc 2, the way a bug would."""
    random = METHODS["random"]
    finish = random.finish

    def broken(self):
        if self.task.ipc == 2:
            raise RuntimeError("a bug\nover two lines")
        return finish(self)

    monkeypatch.setattr(random, "finish", broken)


def test_a_mistake_in_one_cell_is_said_at_once_and_the_others_finish(run_tiny, tmp_path):
    answer = run_tiny("-m", "ipc=100000,1")
    assert answer.status == 2
    assert answer.err.count("\n") == 1
    assert "cell 1 of 2 (ipc=100000)" in answer.err
    assert "ipc=100000" in answer.err
    assert "sweep: 1 of 2 cells done" in answer.out
    assert len(list(tmp_path.glob("runs/random-digits-ipc1-*/record.json"))) == 1


def test_a_sweep_ends_with_one_table_of_what_varies(run_tiny):
    lines = run_tiny("-m", "ipc=1,100000", "protocols=[hard]", "control=null").out.splitlines()
    header = next(number for number, line in enumerate(lines) if line.startswith("cell   "))
    assert "hard/1 % (- control)" in lines[header]
    assert lines[header].endswith("s/step    peak memory")
    done, failed = (line.split() for line in lines[header + 2 : header + 4])
    assert done[0] == "ipc=1"
    assert 0 < float(done[1]) < 100
    assert done[-1] in {"MB", "GB"}
    assert failed[0] == "ipc=100000"
    assert " ".join(failed[1:]).startswith("ipc=100000: digits has only")


def test_a_crash_in_one_cell_is_one_line_with_a_traceback_in_a_file(run_tiny, tmp_path, crash):
    answer = run_tiny("-m", "ipc=2,1")
    assert answer.status == 1
    assert answer.err.count("\n") == 1
    assert "RuntimeError: a bug over two lines" in answer.err
    assert "sweep: 1 of 2 cells done" in answer.out
    named = answer.err.strip().rpartition(" ")[2]
    with open(named, encoding="utf-8") as file:
        assert "in broken" in file.read()
    (failed,) = tmp_path.glob("runs/random-digits-ipc2-*/failed.json")
    assert "in broken" in json.loads(failed.read_text())["traceback"]
    assert len(list(tmp_path.glob("runs/random-digits-ipc1-*/record.json"))) == 1


def test_a_crash_outside_a_sweep_is_status_1_and_mended_code_takes_the_failure_away(
    run_tiny, tmp_path, monkeypatch
):
    with monkeypatch.context() as patch:
        patch.setattr(METHODS["random"], "finish", lambda self: 1 / 0)
        answer = run_tiny("evaluators=[]")
    assert answer.status == 1
    assert answer.err.count("\n") == 1
    assert "ZeroDivisionError" in answer.err
    assert len(list(tmp_path.glob("runs/*/failed.json"))) == 1
    assert run_tiny("evaluators=[]").status == 0
    assert list(tmp_path.glob("runs/*/failed.json")) == []


@pytest.mark.parametrize("wrong", ["method=random,amp", "ipc=1,ten", "dataset=digits,digit"])
def test_a_mistake_that_can_be_known_stops_a_sweep_before_its_first_cell(wrong, run_tiny, tmp_path):
    answer = run_tiny("-m", wrong)
    assert answer.complaint
    assert answer.out == ""
    assert list(tmp_path.glob("runs/random-*")) == []


def test_method_and_ipc_and_recipe_are_right_in_every_cell(run_tiny, monkeypatch, tmp_path):
    seen = []
    monkeypatch.setattr(cell, "execute", lambda request, *_, **__: seen.append(request) or Ran())
    answer = run_tiny("-m", "method=random,apm", "ipc=1,10", "budget=short")
    assert answer.status == 0
    assert [(r.method.name, r.task.ipc) for r in seen] == [
        ("random", 1),
        ("random", 10),
        ("apm", 1),
        ("apm", 10),
    ]
    sources = [r.method.sources.get("image_rate", "") for r in seen]
    assert sources[:2] == ["", ""]
    assert "digits ipc 1" in sources[2]
    assert "digits ipc 10" in sources[3]


def test_a_pattern_sweeps_over_the_names_that_it_matches(run_tiny, monkeypatch):
    seen = []
    monkeypatch.setattr(cell, "execute", lambda request, *_, **__: seen.append(request) or Ran())
    assert run_tiny("-m", "method=glob(d*)").status == 0
    matched = [name for name in METHODS.names() if name.startswith("d")]
    assert {"dc", "dm", "dsa"} <= set(matched)
    assert [r.method.name for r in seen] == matched


def test_a_run_leaves_the_command_line_of_its_process_alone(run_tiny):
    before = list(sys.argv)
    assert run_tiny("-m", "ipc=1").status == run_tiny("ipc=1").status == 0
    assert sys.argv == before


def test_a_single_run_is_that_of_the_package(run_tiny, tmp_path):
    assert run_tiny("ipc=2").status == 0
    (file,) = tmp_path.glob("runs/random-*/record.json")
    values = {key: None if value == "null" else value for key, value in TINY.items()}
    values |= {"protocols": ["hard"], "threads": 1}
    assert ddbench.run(ipc=2, quiet=True, **values) == Record.load(file)
    assert len(list(tmp_path.glob("runs/random-*"))) == 1
    assert not (tmp_path / "runs/sweeps").exists()


def test_a_sweep_runs_in_a_folder_whose_name_looks_like_an_interpolation(
    run_tiny, tmp_path, monkeypatch
):
    monkeypatch.setenv("DDBENCH_RUNS", str(tmp_path / "of ${me} and $you"))
    answer = run_tiny("-m", "seed=0,1", "evaluators=[]")
    assert answer.status == 0, answer.err
    assert "sweep: 2 of 2 cells done" in answer.out
    assert len(list(tmp_path.glob("of ${me} and $you/random-*/record.json"))) == 2


def test_table_of_a_sweep_shows_what_a_step_took(run_tiny):
    lines = run_tiny("-m", "method=dm,random", "evaluators=[]").out.splitlines()
    header = next(number for number, line in enumerate(lines) if line.startswith("cell   "))
    distilled, chosen = (line.split() for line in lines[header + 2 : header + 4])
    assert distilled[0] == "method=dm"
    assert (float(distilled[1]) > 0, distilled[2]) == (True, "s")
    assert len(chosen) == 3  # no step; peak memory and its unit


def test_a_finished_sweep_says_so_in_a_few_lines(run_tiny):
    words = ("-m", "ipc=1,2", "seed=range(0,6)")
    first = run_tiny(*words).out
    again = run_tiny(*words).out
    lines = again.splitlines()
    assert len(lines) <= 15
    assert len(first.splitlines()) > 100
    assert lines[-1] == "sweep: 12 of 12 cells done, 12 of them before or elsewhere"
    assert all(line in first.splitlines() for line in lines[:-1])


def test_stopping_a_sweep_says_how_far_it_came(run_tiny, monkeypatch):
    before, left = cell.execute, [1]

    def stopped_at_the_second(*arguments, **keywords):
        if not left:
            raise StopRequested(signal.SIGINT)
        left.pop()
        return before(*arguments, **keywords)

    monkeypatch.setattr(cell, "execute", stopped_at_the_second)
    answer = run_tiny("-m", "seed=0,1,2", "evaluators=[]")
    assert answer.status == 128 + signal.SIGINT
    last = answer.out.splitlines()[-1]
    assert last == "sweep: 1 of 3 cells done; stopped: the same command continues"
    rows = [line.split(maxsplit=1) for line in answer.out.splitlines() if line.startswith("seed=")]
    assert [row[0] for row in rows] == ["seed=0", "seed=1", "seed=2"]
    assert [row[1] for row in rows[1:]] == [cell.STOPPED, cell.STOPPED]
