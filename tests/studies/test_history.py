"""A user's own grid: its file, its history, the steps in it, and the verb."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from ddbench.cli import regress_verb
from ddbench.cli.main import main
from ddbench.errors import UserError
from ddbench.plugins.presets import searching
from ddbench.records.record import Record
from ddbench.runs.overrides import plain_values
from ddbench.studies.history import Entry, append, last_steps, load_history, new_entry
from ddbench.studies.regression import CellResult, cell_result, series
from ddbench.studies.regression_grid import RegressionGrid, grid_file, load_grid

GRID = """\
common: dataset=digits budget=smoke device=cpu threads=1
seeds: [0, 1, 2]
cells:
  one: method=random ipc=1 protocols=[hard]
"""
SPREAD = (-0.01, 0.0, 0.01)


def entry(mean: float, number: int = 0, accepted: str | None = None, above: float = 0.1) -> Entry:
    accuracy = {"hard/1": series(mean + s for s in SPREAD)}
    difference = {"hard/1": series(above + s for s in SPREAD)}
    cells = {"one": CellResult(accuracy, difference, 100)}
    return Entry(
        f"2026-01-{number + 1:02}T00:00:00+00:00", (f"method mine 1.{number}",), cells, accepted
    )


def entries(*means: float) -> list[Entry]:
    return [entry(mean, number) for number, mean in enumerate(means)]


def told(history: Sequence[Entry]) -> list[str]:
    return [str(step) for step in last_steps(RegressionGrid("", (0,), cells={"one": ""}), history)]


def test_a_level_that_stays_has_no_step() -> None:
    assert told(entries(*[0.8, 0.801, 0.799] * 4)) == []
    assert told([]) == []


def test_a_fall_names_the_cell_the_levels_and_the_first_run_of_it() -> None:
    assert told(entries(*[0.8] * 8, *[0.7] * 3)) == [
        "one: hard/1 fell from 80.0 to 70.0 3 runs ago, at 2026-01-09T00:00:00+00:00 "
        "(method mine 1.8)"
    ]


def test_a_difference_from_the_control_may_fall_while_the_accuracy_stays() -> None:
    history = [entry(0.8, n, above=0.1 if n < 8 else -0.1) for n in range(12)]
    (line,) = told(history)
    assert line.startswith("one: hard/1 - control fell from 10.0 to -10.0 4 runs ago")


def test_steps_before_a_result_was_accepted_are_forgiven() -> None:
    history = entries(*[0.8] * 8, *[0.7] * 4)
    history[8] = entry(0.7, 8, accepted="fewer teachers")
    assert told(history) == []


def test_a_history_comes_back_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "a folder" / "history.jsonl"
    assert load_history(path) == []
    for one in (entry(0.8), entry(0.7, 1, accepted="because")):
        append(path, one)
    assert load_history(path) == [entry(0.8), entry(0.7, 1, accepted="because")]


@pytest.mark.parametrize(
    "line", ["x", "[]", "{}", '{"schema": "other"}', '{"schema": "ddbench-regression-history/1"}']
)
def test_a_damaged_history_is_one_line_that_says_where(line: str, tmp_path: Path) -> None:
    path = tmp_path / "history.jsonl"
    append(path, entry(0.8))
    with path.open("a") as file:
        file.write(line + "\n")
    with pytest.raises(UserError, match=r"history\.jsonl: line 2 is not an entry"):
        load_history(path)


def test_an_entry_says_whose_code_ran(make: Callable[..., Record]) -> None:
    code = {"kind": "method", "name": "apm", "package": "mine", "version": "1.2"}
    clean = {**code, "commit": "ab" * 20, "modified": False, "digest": "c" * 64}
    changed = {**clean, "modified": True}
    bare = {**clean, "commit": None, "modified": None}
    said = [new_entry({}, [make("apm", plugins=[one])]).code for one in (clean, changed, bare)]
    assert said == [
        ("method apm 1.2 abababab",),
        ("method apm 1.2 abababab+cccccccc",),
        ("method apm 1.2 cccccccc",),
    ]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[1]", "is not a grid"),
        ("seeds: [0]\ncommon: ''\n", "it has no 'cells'"),
        (GRID.replace("[0, 1, 2]", "[]"), "seeds are numbers"),
        (GRID.replace("[0, 1, 2]", "[a]"), "seeds are numbers"),
        (GRID + "least_bend: 3\n", "least_bend"),
        (GRID + "least_band: -1\n", "least_band is a number above 0"),
        (GRID + "gates: [{cell: two, protocol: hard/1, above_control: 0}]\n", "cell 'two'"),
        (GRID.replace("protocols", "'protocols"), "No closing quotation"),
        ("a: [", "cannot be read as a grid"),
    ],
)
def test_a_file_that_is_no_grid_is_one_line(text: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "grid.yaml"
    path.write_text(text)
    with pytest.raises(UserError) as error:
        load_grid(path)
    assert reason in str(error.value)
    assert "\n" not in str(error.value)


def test_a_grid_among_ones_own_presets_is_found_by_name(tmp_path: Path) -> None:
    (tmp_path / "grid").mkdir()
    (tmp_path / "grid" / "mine.yaml").write_text(GRID)
    with searching(tmp_path):
        assert load_grid(grid_file("mine")).cells == {"one": "method=random ipc=1 protocols=[hard]"}
        with pytest.raises(UserError, match="unknown grid 'mien': did you mean mine"):
            grid_file("mien")


@pytest.fixture
def gate(
    tmp_path: Path,
    make: Callable[..., Record],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[..., Any]:
    """`ddbench regress` whose runs give a level; its status and what it printed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.yaml").write_text(GRID)

    def regress(level: float, *words: str) -> tuple[int, str]:
        def runs(asked: Sequence[list[str]]) -> Any:
            for one in asked:
                seed = int(plain_values(one)["seed"])
                yield make("random", dataset="digits", ipc=1, seed=seed, control=None, level=level)

        monkeypatch.setattr(regress_verb, "in_two_processes", runs)
        status = main(["regress", "--grid", "grid.yaml", *words])
        captured = capsys.readouterr()
        return status, captured.out + captured.err

    return regress


def test_a_grid_is_accepted_then_green_then_red(gate: Callable[..., Any], tmp_path: Path) -> None:
    status, said = gate(0.8)
    assert status == 2
    assert "no reference grid.json" in said
    assert gate(0.8, "--update", "--reason", "the first")[0] == 0
    assert json.loads((tmp_path / "grid.json").read_text())["reason"] == "the first"
    assert gate(0.801)[0] == 0
    status, said = gate(0.7)
    assert status == 1
    assert "accuracy: one: hard/1 fell by 10.0 points" in said
    assert [e.accepted for e in load_history(tmp_path / "grid.history.jsonl")] == [
        "the first",
        None,
        None,
    ]


def test_a_fall_within_the_band_is_red_once_it_lasts(
    gate: Callable[..., Any], make: Callable[..., Record], tmp_path: Path
) -> None:
    def given(level: float) -> dict[str, CellResult]:
        task = {"dataset": "digits", "ipc": 1, "control": None}
        return {"one": cell_result(make("random", seed=s, level=level, **task) for s in range(3))}

    gate(0.8, "--update", "--reason", "the first")
    for level in [0.8] * 10 + [0.787]:
        append(tmp_path / "grid.history.jsonl", new_entry(given(level), []))
    assert gate(0.787)[0] == 0
    for level in [0.787] * 10:
        append(tmp_path / "grid.history.jsonl", new_entry(given(level), []))
    status, said = gate(0.787)
    assert status == 1
    assert "accuracy:" not in said
    assert "step: one: hard/1 fell from " in said


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--grid", "nowhere.yaml"], "nowhere.yaml cannot be read as a grid"),
        (["--grid", "grid.yaml", "--reference", "grid.yaml"], "grid.yaml is the grid"),
        (["--history", "x"], "only a grid of your own has one"),
    ],
)
def test_mistakes_in_what_is_asked_are_one_line(
    words: list[str], reason: str, tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.yaml").write_text(GRID)
    assert main(["regress", *words]) == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.count("\n") == 1


def test_a_cell_that_cannot_run_is_said_before_any_work(
    tmp_path: Path, capsys: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "grid.yaml").write_text(GRID.replace("method=random", "method=rondam"))
    assert main(["regress", "--grid", "grid.yaml", "--update", "--reason", "x"]) == 2
    assert "cell one: unknown method 'rondam': did you mean random" in capsys.readouterr().err


def test_a_cell_of_one_record_has_its_accuracy(make: Callable[..., Record]) -> None:
    assert cell_result([make("dm", seed=1)]).accuracy.keys() == {"hard/1"}
