"""The accuracy regression: what counts as the same, what is red, and who is named."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from ddbench.cli.main import main
from ddbench.cli.regress_verb import FILE
from ddbench.errors import UserError
from ddbench.runs.compose import request_of
from ddbench.store.files import write_json
from ddbench.studies.regression import (
    CellResult,
    Reference,
    compare,
    load_reference,
    run_grid,
    series,
)
from ddbench.studies.regression_grid import Gate, RegressionGrid, load_grid

ROOT = Path(__file__).parents[2]
GRID = RegressionGrid("", (0, 1, 2), 0.02, 1.25, {"dm": ""}, (Gate("dm", "hard/1", 0.08),))


def result(hard: list[float], noaug: list[float], above: float = 0.2, peak: int = 100):
    accuracy = {"hard/1": series(hard), "noaug/1": series(noaug)}
    return CellResult(accuracy, {"hard/1": series([above] * 3)}, peak)


BEFORE = result([0.90, 0.91, 0.89], [0.85, 0.86, 0.84])
REFERENCE = Reference({"dm": BEFORE}, {}, "a first one")


def lines(now: CellResult) -> list[str]:
    verdict = compare(GRID, REFERENCE, {"dm": now})
    return verdict.accuracy + verdict.memory


def test_the_same_result_is_green():
    assert lines(BEFORE) == []


@pytest.mark.parametrize(
    ("now", "told"),
    [
        (result([0.80, 0.81, 0.79], [0.75, 0.76, 0.74]), "dm: hard/1 fell by 10.0 points"),
        (result([0.96, 0.97, 0.95], [0.91, 0.92, 0.90]), "dm: hard/1 rose by 6.0 points"),
        (result([0.88, 0.89, 0.87], [0.87, 0.88, 0.86]), "dm: hard/1 less noaug/1 fell by 4.0"),
        (dataclasses.replace(BEFORE, accuracy={}), "dm: hard/1 was not measured"),
        (result([0.90, 0.91, 0.89], [0.85, 0.86, 0.84], above=0.07), "dm: gate: under hard/1"),
        (result([0.90, 0.91, 0.89], [0.85, 0.86, 0.84], peak=126), "dm: peak memory grew"),
    ],
    ids=["fell", "rose", "augmentation", "missing", "gate", "memory"],
)
def test_what_leaves_its_band_is_red_and_names_the_cell(now, told):
    assert any(told in line for line in lines(now))


def test_a_drift_within_three_standard_errors_of_the_reference_is_no_news():
    spread = dataclasses.replace(BEFORE, accuracy={"hard/1": series([0.8, 0.9, 1.0])})
    now = dataclasses.replace(BEFORE, accuracy={"hard/1": series([0.65, 0.75, 0.85])})
    assert compare(GRID, Reference({"dm": spread}, {}, ""), {"dm": now}).accuracy == []


def test_a_cell_that_the_reference_does_not_know_is_red():
    assert "does not know" in compare(GRID, Reference({}, {}, ""), {"dm": BEFORE}).accuracy[0]


def test_a_reference_comes_back_from_its_file(tmp_path):
    path = tmp_path / "regression.json"
    write_json(path, REFERENCE.plain())
    assert load_reference(path) == REFERENCE


@pytest.mark.parametrize(
    "text", ["[]", '{"schema": "other"}', '{"schema": "ddbench-regression/1"}']
)
def test_a_foreign_or_damaged_reference_is_one_line(text, tmp_path):
    path = tmp_path / "regression.json"
    path.write_text(text)
    with pytest.raises(UserError, match=r"regression\.json"):
        load_reference(path)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--update"], "--reason"),
        (["--reason", "because"], "--update"),
        (["--upgrade"], "'--upgrade'"),
        (["--update", "--reason", "because", "repository=nowhere"], "repository=nowhere"),
    ],
)
def test_mistakes_are_one_line_before_any_work(words, told, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    assert main(["regress", *words]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("cell", load_grid().cells)
def test_every_cell_of_the_grid_composes(cell):
    grid = load_grid()
    requests = [request_of(grid.overrides(cell, seed)) for seed in grid.seeds]
    assert {request.task.seed for request in requests} == set(grid.seeds)
    assert {request.task.dataset for request in requests} == {"digits"}


def test_every_gate_of_the_grid_belongs_to_a_cell_that_is_scored_so():
    grid = load_grid()
    for gate in grid.gates:
        request = request_of(grid.overrides(gate.cell, 0))
        assert gate.protocol in [protocol.label for protocol in request.protocols]
        assert request.control is not None


def test_the_runs_of_a_cell_are_put_together_over_its_seeds():
    grid = dataclasses.replace(GRID, cells={"a": "method=a", "b": "method=b"})
    asked: list[list[str]] = []
    with pytest.raises(ValueError, match="zip"):
        run_grid(grid, lambda runs: asked.extend(runs) or [])
    assert asked == [[f"method={m}", f"seed={s}"] for m in "ab" for s in range(3)]


def test_the_committed_reference_knows_every_cell_of_the_grid():
    reference = load_reference(ROOT / FILE)
    assert reference.cells.keys() == load_grid().cells.keys()
    assert reference.reason
    assert json.loads((ROOT / FILE).read_text())["environment"]["packages"]["torch"]


@pytest.mark.regression
def test_accuracy_lies_in_its_bands(monkeypatch):
    monkeypatch.chdir(ROOT)
    assert main(["regress"]) == 0
