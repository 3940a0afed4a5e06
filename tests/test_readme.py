"""The README keeps its word: its commands run, and its table is a report of a committed record."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path

import pytest
import torch

from ddbench.cli.main import main
from ddbench.distilling.registry import METHODS
from ddbench.records.record import Record
from ddbench.records.report import report
from ddbench.runs.registries import REGISTRIES

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
PYTHON = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("ddbench ")]
SHOWN = 10
"""Of the rows of a board."""
TINY = ["budget=smoke", "threads=1"]


def test_both_first_commands_set_up_their_own_environment() -> None:
    first, second = (block.strip() for block in BLOCKS[:2])
    assert first.endswith(".venv/bin/pip install -e . && .venv/bin/ddbench run")
    assert second.endswith(".venv/bin/pip install -e '.[test]' && .venv/bin/pytest")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory in which the README's commands follow each other."""
    return tmp_path_factory.mktemp("readme")


@pytest.mark.parametrize("command", COMMANDS)
def test_documented_command_succeeds(
    command: str, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.delenv("DDBENCH_RUNS", raising=False)
    words = shlex.split(command)[1:]
    if words[0] == "prepare":
        pytest.skip("downloads")
    if words[1:] and words[1].endswith(".pt"):  # a file in that layout, of a dataset that is here
        pair = [torch.zeros(10, 1, 8, 8), torch.arange(10)]
        torch.save({"data": [pair], "accs_all_exps": {"ConvNet": [0.1]}}, words[1])
        words = [word.replace("cifar10", "digits") for word in words]
    elif words[0] in ("evaluate", "export"):
        made = sorted(folder.glob("runs/apm-digits-*/distilled.safetensors"))
        words[1] = str(made[0])
    if words[0] in ("run", "evaluate"):
        words += TINY
    assert main(words) == 0, capsys.readouterr().err
    assert capsys.readouterr().out


def test_example_of_a_method_runs_beside_its_control(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = next(block for block in PYTHON if "class Noise" in block)
    file = tmp_path / "noise.py"
    file.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location("readme_noise", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setitem(METHODS._added, "noise", module.Noise)
    words = ["method=noise", "method.spread=0.5", "dataset=digits", f"runs_root={tmp_path}"]
    assert main(["run", *words, *TINY, "protocols=[hard]"]) == 0
    record = Record.load(next(tmp_path.glob("noise-*/record.json")))
    assert record.method.settings["spread"].plain() == {"value": 0.5, "source": "given"}


@pytest.mark.parametrize("kind", ["methods", "datasets", "evaluators"])
def test_every_plugin_is_named(kind: str) -> None:
    row = next(line for line in README.splitlines() if line.startswith(f"| {kind} |"))
    assert sorted(re.findall(r"`(\w+)`", row)) == REGISTRIES[kind].names()


def test_leaderboard_is_the_top_of_the_generated_one_and_the_control() -> None:
    heading, name, table = re.findall(r"<!-- (\S+) of (\S+) -->\n\n((?:\|.*\n)+)", README)[0]
    assert name.startswith("leaderboards/tables/")
    _, section = (ROOT / name).read_text(encoding="utf-8").split(f"### {heading}", maxsplit=1)
    generated = re.search(r"(?:^\|.*\n)+", section, re.MULTILINE)
    assert generated is not None
    head, rows = _head_and_rows(generated.group())
    control = [row for row in rows[SHOWN:] if row.startswith("| random/")]
    assert _head_and_rows(table) == (head, rows[:SHOWN] + control)
    assert any(row.startswith("| random/") for row in table.splitlines())


def _head_and_rows(table: str) -> tuple[list[str], list[str]]:
    lines = table.splitlines()
    return lines[:2], lines[2:]


def test_table_is_the_report_of_a_committed_record() -> None:
    name, table = re.findall(r"<!-- report of (\S+) -->\n```\n(.*?)\n```", README, re.DOTALL)[0]
    record = Record.load(ROOT / name)
    assert table == report(record)
    assert "smoke" not in record.budget.name
