"""Networks scored several at once: the same scores as one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial

import pytest

from ddbench.distilling.distilled_set import DistilledSet
from ddbench.errors import StopRequested
from ddbench.models.nas_bench_201.cells import cell_strings
from ddbench.models.spec import ModelSpec
from ddbench.runs.evaluate_all import finished_run
from ddbench.runs.execute import execute, opened
from ddbench.runs.request import RunRequest
from ddbench.scoring import parallel as in_flight
from ddbench.scoring.finished_run import FinishedRun
from ddbench.scoring.parallel import Work
from ddbench.scoring.protocols import PROTOCOLS
from ddbench.scoring.students import Score, score_student

CELLS = [
    ModelSpec("nas_bench_201", {"architecture": cell, "channels": 2, "cells_per_stack": 1})
    for cell in cell_strings()[:15_000:3_000]
]
Opened = Callable[[str], AbstractContextManager[FinishedRun]]
RANDOM = ("method=random", "control=null", "validation=0.2")


@pytest.fixture(scope="module")
def finished(tiny: Callable[..., RunRequest], tmp_path_factory: pytest.TempPathFactory) -> Opened:
    """Open a run of Random in a store of its own, ready to score other models."""

    @contextmanager
    def open_run(name: str) -> Iterator[FinishedRun]:
        root = tmp_path_factory.mktemp(name)
        request = tiny(root, *RANDOM, "evaluators=[storage]")
        record = execute(request, quiet=True).record
        distilled = DistilledSet.load(root / record.name / "distilled.safetensors")
        with opened(request, quiet=True) as (lab, _):
            run, _ = finished_run(request, lab, "random", distilled, {})
            with lab.dataset.scoring():
                yield run

    return open_run


@pytest.fixture(autouse=True)
def everything_is_worth_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluation networks, and models from the second on, go to other processes."""
    monkeypatch.setattr(in_flight, "WORTH_STARTING", 0.0)
    monkeypatch.setattr(in_flight, "WORTH_OPERATIONS", 0.0)


def test_processes_start_for_long_work_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_flight, "WORTH_STARTING", 60.0)
    scores = [Score(0.5, "test", {"wall_seconds": seconds}, "") for seconds in (1.0, 3.0)]
    assert not in_flight.worth_starting(scores, 29)
    assert in_flight.worth_starting(scores, 30)
    assert not in_flight.worth_starting([], 30)


def work_of(run: FinishedRun) -> Work:
    protocol = PROTOCOLS["hard"]
    learnt = run.training_set("random", protocol)
    return partial(score_student, training_set=learnt, protocol=protocol, index=0, title="a cell")


def test_scores_are_those_of_one_after_the_other(finished: Opened) -> None:
    found = {}
    for processes in (1, 2):
        with finished(f"by{processes}") as run:
            scores = run.score_models(work_of(run), CELLS, "cells", processes)
            found[processes] = [(score.key, score.accuracy, score.split) for score in scores]
            assert set(run.scored) == {score.key for score in scores}
            assert all(run.lab.runtime.store.by_key("score", key) for key in run.scored)
    assert found[1] == found[2]
    assert found[1][0][2] == "validation"


def test_a_stop_ends_the_processes(finished: Opened) -> None:
    with finished("stopped") as run:
        run.lab.runtime.stop.signal_number = 15
        with pytest.raises(StopRequested):
            run.score_models(work_of(run), CELLS, "cells", 2)
        run.lab.runtime.stop.signal_number = None
        assert len(run.score_models(work_of(run), CELLS, "cells", 2)) == len(CELLS)


def test_evaluation_networks_of_several_processes_score_as_those_of_one(
    finished: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = {}
    for threads in (1, 2):
        with finished(f"threads{threads}") as run:
            # As many processes as threads, each with one thread; nothing of this process is used.
            monkeypatch.setattr(run.lab.runtime.execution, "threads", threads)
            scores = run.scores("random", PROTOCOLS["hard"], 3)
            found[threads] = [(score.key, score.accuracy) for score in scores]
            assert set(run.scored) == {score.key for score in scores}
            assert run.scores("random", PROTOCOLS["hard"], 3) == scores
    assert found[1] == found[2]


def test_the_amount_of_work_alone_decides_how_many_processes_train_networks(
    finished: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    with finished("decided") as run:
        learnt = run.training_set("random", PROTOCOLS["hard"])
        monkeypatch.setattr(run.lab.runtime.execution, "threads", 4)
        assert in_flight.processes_for(run.lab, learnt, 20) == 4
        assert in_flight.processes_for(run.lab, learnt, 3) == 3
        assert in_flight.processes_for(run.lab, learnt, 1) == 1
        monkeypatch.setattr(in_flight, "WORTH_OPERATIONS", 1e11)
        assert in_flight.processes_for(run.lab, learnt, 20) == 1
        longer = replace(learnt, recipe=learnt.recipe.scaled(1e4))
        assert in_flight.processes_for(run.lab, longer, 20) == 4
