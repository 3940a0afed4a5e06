"""`ddbench new`: what it writes installs as it is, and keeps the promises of its kind."""

from __future__ import annotations

import ast
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from packages import Package

from ddbench.cli.main import verb_parser
from ddbench.plugins.new_package import KINDS, package_files
from ddbench.runs.compose import request_of
from ddbench.studies.regression_grid import load_grid

Command = Callable[..., Any]
FILES = {"pyproject.toml", "README.md", ".github/workflows/test.yml"}


@pytest.fixture
def written(
    command: Command, package: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[str], Path]:
    """Write a package and let it be found, as an installer does."""

    def write(kind: str) -> Path:
        monkeypatch.chdir(tmp_path)
        answer = command("new", kind, f"own-{kind}")
        assert answer.status == 0, answer.err
        folder = tmp_path / f"ddbench-own-{kind}"
        package.install_project(folder)
        return folder

    return write


@pytest.mark.parametrize("kind", KINDS)
def test_a_new_plugin_keeps_the_promises_of_its_kind_at_once(
    kind: str, written: Callable[[str], Path], command: Command
) -> None:
    folder = written(kind)
    answer = command("test")
    assert answer.status == 0, answer.out
    assert f"{kind} own-{kind}\n  holds " in answer.out
    assert "1 of 1 plugins keep their promises" in answer.out
    assert "skipped" not in answer.out
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert names >= FILES


def test_presets_beside_a_new_method_are_found(
    written: Callable[[str], Path], command: Command
) -> None:
    folder = written("method")
    answer = command("show", "experiment=own_method_small_steps", "dataset=digits", "device=cpu")
    assert answer.status == 0, answer.err
    assert re.search(r"image_rate +0\.1 +given", answer.out)
    assert re.search(r"batch +32 +recipe: own choice, not tuned", answer.out)
    grid = load_grid(folder / "regression.yaml")
    for cell in grid.cells:
        assert request_of(grid.overrides(cell, 0)).method.name == "own-method"


def test_a_new_method_has_a_workflow_for_its_regression() -> None:
    made = package_files("method", "own")
    steps = yaml.safe_load(made[".github/workflows/regress.yml"])["jobs"]["regress"]["steps"]
    (gate,) = [step for step in steps if step.get("run", "").startswith("ddbench")]
    assert verb_parser("regress").read(shlex.split(gate["run"])[2:]).grid == "regression.yaml"
    saved = [step["with"]["path"] for step in steps if "cache/" in step.get("uses", "")]
    assert saved == ["regression.history.jsonl"] * 2


@pytest.mark.parametrize("kind", KINDS)
def test_the_workflow_and_the_tests_of_a_new_package_can_be_read(kind: str) -> None:
    made = package_files(kind, "own")
    steps = yaml.safe_load(made[".github/workflows/test.yml"])["jobs"]["test"]["steps"]
    assert [step["run"] for step in steps if "run" in step] == [
        "pip install \"$DDBENCH\" -e '.[test]'",
        "ddbench test own",
        "pytest",
    ]
    for name, text in made.items():
        assert "<<" not in text
        if name.endswith(".py"):
            ast.parse(text)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("metod", "x"), "unknown kind 'metod': did you mean method or model?"),
        (("method",), "new needs a kind and a name"),
        (("method", "a", "b"), "new needs a kind and a name"),
        (("method", "random"), "method 'random': the name is taken"),
        (("dataset", "digits"), "dataset 'digits': the name is taken"),
        (("method", "a b"), "method 'a b': a name has letters"),
        (("method", "all"), "all has another meaning"),
        (("method", "lambda"), "a word of Python"),
    ],
)
def test_a_mistake_is_one_line_and_nothing_is_written(
    words: tuple[str, ...],
    told: str,
    command: Command,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    answer = command("new", *words)
    assert answer.status == 2
    assert told in answer.complaint
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_empty_is_left_as_it_is(command: Command, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    answer = command("new", "method", "own", "--to", str(tmp_path))
    assert answer.status == 2
    assert "is there already; choose another with --to FOLDER" in answer.complaint
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
