"""The examples of the documents run, and their commands are read."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from ddbench.cli.main import VERBS, verb_parser

DOCS = sorted((Path(__file__).resolve().parents[1] / "docs").glob("*.md"))
PYTHON = [
    pytest.param(block, id=f"{file.stem}-{number}")
    for file in DOCS
    for number, block in enumerate(
        re.findall(r"```python\n(.*?)```", file.read_text(encoding="utf-8"), re.DOTALL)
    )
]
COMMANDS = [
    line
    for file in DOCS
    for block in re.findall(r"^```(?:sh)?\n(.*?)^```", file.read_text("utf-8"), re.DOTALL | re.M)
    for line in block.splitlines()
    if line.startswith("ddbench ")
]


@pytest.mark.parametrize("block", PYTHON)
def test_an_example_runs_from_an_empty_folder(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DDBENCH_RUNS", str(tmp_path / "runs"))
    exec(compile(block, "example", "exec"), {})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_one_that_its_verb_reads(command):
    _, verb, *words = shlex.split(command)
    assert verb in VERBS
    assert verb_parser(verb).read(words)
