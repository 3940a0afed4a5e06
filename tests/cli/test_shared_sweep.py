"""Several commands work on one sweep: each skips what another holds."""

from __future__ import annotations

import json
import shutil
import signal

import pytest

from ddbench.records.record import Record
from ddbench.runs.run_state import RUN
from ddbench.runtime.interrupt import StopFlag
from ddbench.store.store import Store

from .conftest import tiny


@pytest.fixture
def held(run_tiny, tmp_path):
    """The lock of the unfinished run of seed 0, held by another process."""
    assert run_tiny("seed=0").status == 0
    (file,) = tmp_path.glob("runs/random-*/record.json")
    key = Record.load(file).run
    shutil.rmtree(file.parent)
    lock = Store(tmp_path / "runs").try_lock(RUN, {RUN: key})
    yield lock
    lock.release()


def test_a_cell_that_another_process_holds_is_passed_over_and_done_in_the_end(
    run_tiny, held, monkeypatch
):
    monkeypatch.setattr(StopFlag, "wait", lambda flag, seconds: held.release())
    answer = run_tiny("-m", "seed=0,1,2")
    assert answer.status == 0
    said = [line for line in answer.out.splitlines() if line.startswith(("cell ", "waiting"))]
    assert said[:4] == [
        "cell 2 of 3 (seed=1)",
        "cell 3 of 3 (seed=2)",
        "waiting for other processes, which hold 1 of 3 cells",
        "cell 1 of 3 (seed=0)",
    ]
    assert "sweep: 3 of 3 cells done" in answer.out


def test_a_single_run_waits_for_the_process_that_holds_it(run_tiny, held, monkeypatch):
    monkeypatch.setattr(StopFlag, "wait", lambda flag, seconds: held.release())
    answer = run_tiny("seed=0")
    assert "another process is working on this run; waiting for it" in answer.out
    assert answer.status == 0


@pytest.mark.slow
def test_four_commands_do_a_sweep_of_24_cells_once_though_one_of_them_is_killed(child, tmp_path):
    words = ["seed=range(0,24)", "evaluators=[]", f"runs_root={tmp_path / 'runs'}"]
    command = ["run", "-m", *tiny(tuple(words))]
    blow = ("ddbench.runs.execute:distil", 2, signal.SIGKILL)
    killed = child(command, tmp_path / "killed", blow)
    others = [child(command, tmp_path / f"other-{number}") for number in range(3)]
    for process in (killed, *others):
        process.join()
    assert killed.exitcode == -signal.SIGKILL
    assert [process.exitcode for process in others] == [0, 0, 0]
    for number in range(3):
        said = (tmp_path / f"other-{number}" / "stdout").read_text()
        assert "sweep: 24 of 24 cells done" in said
    assert len(list(tmp_path.glob("runs/random-*/record.json"))) == 24
    told = [json.loads(file.read_text()) for file in tmp_path.glob("runs/sweeps/*/*.json")]
    assert sum(one["ran"] and one["status"] == 0 for one in told) == 24
    begun = [
        file.read_text().count(f" run {file.parent}\n")
        for file in tmp_path.glob("runs/random-*/log.txt")
    ]
    assert sorted(begun) == [1] * 23 + [2]  # the one that was at work when it was killed
