"""`ddbench list runs` distinguishes the states of runs that left no record."""

from __future__ import annotations

import json
import signal

import pytest

from ddbench.errors import StopRequested, UserError
from ddbench.runs.run_state import RUN, STATE, Begun
from ddbench.store.store import Store

from .conftest import tiny


@pytest.fixture
def states(command):
    """State and detail of every run, by name without its key."""

    def states():
        told = json.loads(command("list", "runs", "--json").out)
        return {run["name"].rpartition("-")[0]: (run["state"], run["detail"]) for run in told}

    return states


@pytest.fixture
def ends(run_tiny, monkeypatch):
    """Do a run whose work ends in an error."""

    def ends(error):
        def work(*arguments):
            raise error

        monkeypatch.setattr("ddbench.runs.execute.distil", work)
        return run_tiny()

    return ends


NAME = "random-digits-ipc1-smoke-seed0"


def test_a_run_that_was_asked_to_stop_is_stopped(ends, states):
    ends(StopRequested(signal.SIGTERM))
    assert states()[NAME] == ("stopped", "the same command continues")


def test_a_run_that_ended_in_a_mistake_says_which(ends, states):
    assert ends(UserError("device=cuda: none here")).status == 2
    assert states()[NAME] == ("mistake", "device=cuda: none here")


def test_a_run_that_crashed_names_its_traceback(ends, states):
    assert ends(ZeroDivisionError()).status == 1
    state, detail = states()[NAME]
    assert state == "failed"
    assert detail.endswith("failed.json")


def test_a_run_that_was_killed_is_dead_and_one_at_work_is_running(child, tmp_path, states):
    blow = ("ddbench.runs.execute:distil", 1, signal.SIGKILL)
    killed = child(["run", *tiny((f"runs_root={tmp_path / 'runs'}",))], tmp_path / "out", blow)
    killed.join()
    assert states()[NAME][0] == "dead"
    (state,) = tmp_path.glob(f"runs/*/{STATE}")
    key = json.loads(state.read_text())["run"]
    lock = Store(tmp_path / "runs").try_lock(RUN, {RUN: key})
    try:
        assert states()[NAME][0] == "running"
    finally:
        lock.release()


def test_a_run_that_was_begun_with_another_torch_is_stale(states, tmp_path):
    folder = tmp_path / "runs" / f"{NAME}-0123456789"
    folder.mkdir(parents=True)
    (folder / "config.yaml").touch()
    Begun("0" * 24, "1.0.0").write(folder)
    state, detail = states()[NAME]
    assert state == "stale"
    assert "torch 1.0.0" in detail


@pytest.mark.parametrize("content", ["", "[]", '{"run": 1, "odd": 2}'])
def test_a_damaged_note_of_a_beginning_leaves_a_run_unfinished(content, states, tmp_path):
    folder = tmp_path / "runs" / f"{NAME}-0123456789"
    folder.mkdir(parents=True)
    (folder / "config.yaml").touch()
    (folder / STATE).write_text(content)
    assert states()[NAME][0] == "unfinished"


def test_a_finished_run_leaves_nothing_of_how_it_was_begun(run_tiny, states, tmp_path):
    assert run_tiny("evaluators=[]").status == 0
    assert states()[NAME] == ("finished", "")
    assert list(tmp_path.glob(f"runs/*/{STATE}")) == []
