"""Plans: what is there, what is shared, what is left, and runs that are made to fit."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest

from ddbench import UserError
from ddbench.planning import fitting, planner
from ddbench.planning.cells import asked_cells
from ddbench.planning.fitting import fitted
from ddbench.planning.measured import StepMeasured, TrainingCost
from ddbench.planning.planner import Planner
from ddbench.runs.compose import request_of
from ddbench.runs.execute import execute
from ddbench.runtime.progress import Progress

TASK = ["dataset=digits", "ipc=1", "budget=smoke", "protocols=[hard,soft]"]
COST = TrainingCost(1e-3, (1_000_000, 4_000_000), 2_000_000, 100_000_000)


class Measured:
    """Replaces `Measurer`: a step takes a megabyte for each image of a chunk."""

    execution = {"device_name": "none", "threads": 1}  # noqa: RUF012

    def __init__(self, *_):
        pass

    def training(self, *_):
        return COST

    def seconds_to_measure(self, *_):
        return 1.0

    def step(self, request, shape):
        chunk = getattr(request.method.settings, "segment", 0)
        return StepMeasured(0.1, 1_000_000 * (chunk or 500))


@pytest.fixture(autouse=True)
def measured(monkeypatch):
    monkeypatch.setattr(planner, "Measurer", Measured)
    monkeypatch.setattr(fitting, "Measurer", Measured)


def planned(tmp_path, *words, seconds=100.0, sweep=True):
    cells = asked_cells([*TASK, *words, f"runs_root={tmp_path}"], sweep)
    return Planner(Progress(quiet=True), seconds).plan(cells)


def phases(run):
    return {one.phase.name: one for one in run.phases if not (one.made and one.skips)}


def test_a_finished_run_is_known_and_takes_nothing(tmp_path):
    done = request_of([*TASK, "method=random", "control=null", f"runs_root={tmp_path}"])
    folder = execute(done, quiet=True).folder
    made = planned(tmp_path, "method=random", "control=null", "seed=0,1")
    assert [run.folder for run in made.runs] == [folder, None]
    assert [run.phases == () for run in made.runs] == [True, False]
    assert len(made.left) == 1
    # The label teacher of the first run serves the second.
    assert phases(made.runs[1])["label-teacher"].seconds == 0


def test_networks_that_several_cells_need_are_counted_once(tmp_path):
    made = planned(tmp_path, "method=apm", "seed=0,1,2", "method.teachers=2")
    assert made.shared == {"teacher": 1, "label-teacher": 1}
    first, second, _ = (phases(run)["teacher"] for run in made.runs)
    assert first.seconds > 0
    assert second.seconds == 0
    assert made.runs[0].disk_bytes > made.runs[1].disk_bytes


def test_a_larger_pool_takes_what_a_smaller_one_has_not(tmp_path):
    made = planned(tmp_path, "method=apm", "method.teachers=1,3")
    small, large = (phases(run)["teacher"] for run in made.runs)
    assert large.seconds == pytest.approx(2 * small.seconds)


def test_a_set_that_is_the_control_of_another_cell_is_made_once(tmp_path):
    made = planned(tmp_path, "method=dm,random")
    (random,) = [one for one in made.runs[1].phases if one.made]
    assert random.disk_bytes == 0
    assert "made already" in random.what


def test_what_takes_too_long_to_measure_is_left_out_and_said(tmp_path):
    made = planned(tmp_path, "method=dm", "seed=0,1", seconds=0.5)
    assert made.unmeasured == 1.0
    (distil,) = [one for one in made.runs[0].phases if one.made and one.made.name == "dm"]
    assert distil.peak_bytes is None
    assert distil.seconds > 0
    assert planned(tmp_path, "method=dm", "seed=0,1").unmeasured == 0


def test_a_method_that_cannot_do_the_task_is_said_so(tmp_path):
    (run,) = planned(tmp_path, "method=mtt", "model.norm=batch").runs
    assert run.skips is not None
    assert run.phases == ()


def test_a_study_is_planned_as_its_sweeps_with_each_cell_once(tmp_path):
    cells = asked_cells(["experiment=reference_evidence", "dataset=digits", "seed=0"], False)
    assert len(cells) == len({tuple(cell) for cell in cells}) > 1
    assert all("seed=0" in cell for cell in cells)


def test_what_is_left_out_of_a_plan_is_noted(tmp_path):
    (run,) = planned(tmp_path, "method=random", "evaluators=[accuracy,memory]").runs
    assert "without the cost of evaluators=memory" in run.notes
    (run,) = planned(tmp_path, "method=random", "dataset=cifar10", f"data_root={tmp_path}").runs
    assert "sizes are the published ones" in run.notes[0]


def run_with(tmp_path, budget, *words):
    given = [*TASK, *words, f"runs_root={tmp_path}", f"memory_budget={budget}"]
    return request_of(given)


def test_chunks_are_halved_until_the_run_fits(tmp_path, capsys):
    request = run_with(tmp_path, "120MB", "method=dm", "method.segment=64")
    chosen = fitted(request)
    assert chosen.method.settings.segment == 16
    assert chosen.method.sources["segment"] == "memory_budget"
    assert "method.segment=16" in capsys.readouterr().out
    assert fitted(replace(request, memory_budget=None)) == replace(request, memory_budget=None)


def test_a_run_that_fits_stays_as_it_is(tmp_path):
    request = run_with(tmp_path, "1GB", "method=dm", "method.segment=64")
    assert fitted(request, quiet=True) == request


@pytest.mark.parametrize("method", ["dm", "dc", "random"])
def test_a_run_that_cannot_fit_is_refused_with_what_it_needs(tmp_path, method):
    request = run_with(tmp_path, "90MB", f"method={method}")
    with pytest.raises(UserError, match=r"memory_budget=90 MB: the phase .* needs about \d+ MB"):
        fitted(request)
    assert not (tmp_path / "runs").exists()
    assert not [name for name in os.listdir(tmp_path) if name.startswith(method)]


@pytest.mark.parametrize("amount", ["lots", "0GB", "-1MB", "8", "8 gigs", "1e9B"])
def test_an_amount_of_memory_is_a_number_of_bytes(amount, tmp_path):
    with pytest.raises(UserError, match=r"memory_budget=.*such as 800MB or 8GB"):
        run_with(tmp_path, amount, "method=dm")
