"""Workers: a cell whose process is killed is tried once more, and only that cell is lost."""

from __future__ import annotations

import os

import pytest

from ddbench.cli.cell import Sweep, cells_of, swept
from ddbench.cli.ending import DONE, FAILURE, MISTAKE
from ddbench.cli.workers import do_in_processes
from ddbench.errors import UserError

DIES = "kill(pid(), 9)"
DIES_ONCE = "asked if exists(file) else (open(file, 'w').close(), kill(pid(), 9))"


class Evaluated:
    """What becomes of an expression in the process that unpickles it."""

    def __init__(self, expression, **names):
        self.expression, self.names = expression, names

    def __reduce__(self):
        known = {"kill": os.kill, "pid": os.getpid, "exists": os.path.exists}
        return eval, (self.expression, {**known, **self.names})


@pytest.fixture
def ended(tmp_path, capfd):
    """How the cells of a request ended, and what was printed on stderr."""

    def ended(*asked, workers=1):
        cells = cells_of([(f"seed={number}",) for number in range(len(asked))])
        sweep = Sweep.begin(tmp_path / "runs")
        sweep.folder.mkdir(parents=True)
        do_in_processes(cells, sweep, dict(zip(cells, asked, strict=True)), workers)
        return [swept(cell, sweep) for cell in cells], capfd.readouterr().err

    return ended


def test_a_cell_whose_process_is_killed_once_is_done(ended, tiny, tmp_path):
    request = tiny(tmp_path / "runs", "method=random", "protocols=[hard]", "evaluators=[]")
    flag = str(tmp_path / "flag")
    (one,), said = ended(Evaluated(DIES_ONCE, file=flag, asked=request))
    assert (one.status, one.ran) == (DONE, True)
    assert one.record is not None
    assert "cell 1 of 1 (seed=0): its process ended with exit status -9; it is tried again" in said


def test_a_cell_whose_process_is_always_killed_takes_no_other_with_it(ended):
    mistake = UserError("a mistake")
    cells, said = ended(Evaluated(DIES), mistake, mistake, workers=2)
    assert [one.status for one in cells] == [FAILURE, MISTAKE, MISTAKE]
    assert [one.reason for one in cells[1:]] == ["a mistake", "a mistake"]
    assert "without a result" in cells[0].reason
    assert said.count("exit status -9") == 2
    assert said.count("it is tried again") == 1


@pytest.mark.parametrize("wrong", ["0", "two", "-1", "1.5", "99999", ""])
def test_a_number_of_workers_that_is_none_is_a_mistake(wrong, run_tiny):
    assert "workers" in run_tiny("-m", f"workers={wrong}").complaint


def test_workers_are_for_sweeps_and_do_not_go_with_a_launcher(run_tiny, monkeypatch):
    monkeypatch.setattr("ddbench.cli.workers.import_beforehand", lambda workers: None)
    assert "-m" in run_tiny("workers=2").complaint
    both = run_tiny("-m", "seed=0,1", "workers=2", "hydra/launcher=basic").complaint
    assert "hydra/launcher=basic" in both
