"""`ddbench plan`: what it prints, and what it leaves unchanged."""

from __future__ import annotations

import json

import pytest

from ddbench.cli.plan_tables import plan_tables
from ddbench.planning.estimate import Estimate
from ddbench.planning.plan import Plan, PlannedRun
from ddbench.records.cost import Phase

TASK = ["dataset=digits", "ipc=1", "budget=smoke", "model.width=4", "model.depth=1"]


def test_a_plan_of_one_run_tells_each_phase_and_runs_nothing(command, tmp_path):
    answer = command("plan", "method=dm", *TASK, f"runs_root={tmp_path}")
    assert answer.status == 0
    rows = answer.out.splitlines()
    for phase in ("distil", "label-teacher", "score"):
        assert any(row.startswith(phase) for row in rows)
    assert "1 cell, 1 to do" in answer.out
    assert [path.name for path in tmp_path.iterdir()] == ["artefacts"]
    assert [path.name for path in (tmp_path / "artefacts").iterdir()] == ["measured"]


def test_a_plan_in_json_is_nothing_but_json(command, tmp_path):
    words = ["plan", "-m", "method=random", "seed=0,1", *TASK, f"runs_root={tmp_path}", "--json"]
    told = json.loads(command(*words).out)
    assert told["to_do"] == len(told["runs"]) == 2
    assert {phase["phase"] for phase in told["runs"][0]["phases"]} >= {"distil", "score"}


@pytest.mark.parametrize("word", ["seconds=-1", "seconds=soon", "methd=dm", "memory_budget=much"])
def test_a_mistake_is_one_line(command, word, tmp_path):
    answer = command("plan", "method=dm", *TASK, word, f"runs_root={tmp_path}")
    assert answer.status == 2
    assert word.partition("=")[0] in answer.complaint


def test_words_that_all_cells_share_are_left_out_of_their_titles():
    score = Estimate(Phase("score", "scored"), "", 60.0, 10**9)
    unknown = Estimate(Phase("distil", "made"), "", None, None)
    plan = Plan(
        (
            PlannedRun(("ipc=1", "seed=0"), (score,)),
            PlannedRun(("ipc=1", "seed=1"), (score, unknown)),
            PlannedRun(("ipc=1", "seed=2"), skips="it cannot"),
        ),
        unmeasured=20.0,
    )
    table = plan_tables(plan)
    assert "ipc=1" not in table
    assert [line.split()[:2] for line in table.splitlines()[2:5]] == [
        ["seed=0", "to"],
        ["seed=1", "to"],
        ["seed=2", "not"],
    ]
    assert "> 1 GB" in table
    assert "seconds=50 measures them, in about 20 s" in table
    assert "3 cells, 2 to do" in table
