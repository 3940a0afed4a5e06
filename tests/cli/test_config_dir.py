"""`--config-dir`: experiments and studies of one's own on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ddbench.cli import hydra_launcher
from ddbench.plugins.presets import searching

Command = Callable[..., Any]
SMALL = """\
# @package _global_
# Two images of each digit.
defaults:
  - override /method: random
  - override /dataset: digits
ipc: 2
"""
STUDY = """\
title: Does a second seed help?
about: Two seeds of an experiment of one's own.
sweeps: ["experiment=pairs seed=0,1"]
"""
QUICK = ("budget=smoke", "control=null", "protocols=[hard]", "threads=1", "model.width=8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Presets of a person, in a folder whose name a shell would have to quote."""
    own = tmp_path / "my configs"
    (own / "experiment").mkdir(parents=True)
    (own / "study").mkdir()
    (own / "experiment" / "pairs.yaml").write_text(SMALL)
    (own / "study" / "twice.yaml").write_text(STUDY)
    return own


@pytest.mark.parametrize("spelling", ["--config-dir", "--config_dir", "config_dir="])
def test_an_experiment_of_ones_own_is_shown_and_listed(
    spelling: str, command: Command, folder: Path
) -> None:
    given = [f"{spelling}{folder}"] if "=" in spelling else [spelling, str(folder)]
    answer = command("show", "experiment=pairs", *given)
    assert answer.status == 0, answer.err
    assert "ipc           2" in answer.out
    listed = command("list", "experiments", *given)
    assert "pairs" in listed.out
    assert "Two images of each digit" in listed.out
    assert "Does a second seed help? (a study)" in listed.out
    assert "unknown experiment 'pairs'" in command("show", "experiment=pairs").complaint


def test_a_study_and_its_sweep_find_experiments_of_ones_own(
    command: Command, folder: Path, tmp_path: Path
) -> None:
    answer = command("run", "experiment=twice", f"--config-dir={folder}", *QUICK)
    assert answer.status == 0, answer.err
    assert "study twice: 2 of 2 cells done" in answer.out
    assert "my configs" not in (tmp_path / "runs/studies/twice/table.md").read_text()
    records = sorted(tmp_path.glob("runs/random-digits-ipc2-smoke-*/record.json"))
    assert [json.loads(file.read_text())["task"]["seed"] for file in records] == [0, 1]


def test_a_cell_looks_there_by_itself_for_it_may_be_done_in_another_process(
    command: Command, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    searched = []

    def noted(given: Path | None) -> Any:
        searched.append(given)
        return searching(given)

    monkeypatch.setattr(hydra_launcher, "searching", noted)
    words = ["experiment=pairs", *QUICK, f"config_dir={folder}", "hydra/launcher=basic"]
    answer = command("run", "-m", *words)
    assert answer.status == 0, answer.err
    assert searched == [folder]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a: [", "a configuration is not YAML"),
        ("# @package _global_\nsed: 3\n", "'sed'"),
        ("# @package _global_\nmethod: {nosuch: 3}\n", "'nosuch'"),
        ("# @package _global_\ndefaults: [{override /method: rondom}]\n", "did you mean random"),
    ],
)
def test_an_experiment_with_a_mistake_is_one_line(
    text: str, reason: str, command: Command, folder: Path
) -> None:
    (folder / "experiment" / "wrong.yaml").write_text(text)
    answer = command("show", "experiment=wrong", "--config-dir", str(folder))
    assert reason in answer.complaint


def test_a_folder_that_is_not_there_is_said_before_any_work(
    command: Command, tmp_path: Path
) -> None:
    answer = command("run", "--config-dir", str(tmp_path / "nowhere"))
    assert "nowhere: no such folder" in answer.complaint
