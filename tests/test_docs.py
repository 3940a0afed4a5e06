"""The examples of the documents run, and their commands are read."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from ddbench.cli.main import VERBS, main, verb_parser

DOCS = sorted((Path(__file__).resolve().parents[1] / "docs").glob("*.md"))
PYTHON = [
    pytest.param(block, id=f"{file.stem}-{number}")
    for file in DOCS
    for number, block in enumerate(
        re.findall(r"```python\n(.*?)```", file.read_text(encoding="utf-8"), re.DOTALL)
    )
]
LINE = re.compile(r"(?:[A-Z_]+=\S+ |srun )*(ddbench .*?)(?: &)?")


def commands(file: Path) -> list[str]:
    """Those in the blocks of a document, without what a shell and a cluster make of them."""
    blocks = re.findall(r"^```(?:sh)?\n(.*?)^```", file.read_text("utf-8"), re.DOTALL | re.M)
    lines = [LINE.fullmatch(line) for block in blocks for line in block.splitlines()]
    return [found[1] for found in lines if found]


COMMANDS = [command for file in DOCS for command in commands(file)]
SWEEPS = next(file for file in DOCS if file.stem == "sweeps")
TINY = ["budget=smoke", "protocols=[hard]", "evaluators=[]", "threads=1"]


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


@pytest.mark.slow
@pytest.mark.parametrize("command", dict.fromkeys(commands(SWEEPS)))
def test_a_command_on_sweeps_runs_from_an_empty_folder(command, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DDBENCH_RUNS", str(tmp_path / "runs"))
    _, verb, *words = shlex.split(command)
    status = main([verb, *words, *(TINY if verb == "run" else [])])
    said = capsys.readouterr()
    if status == 2 and "needs a package that is not installed" in said.err:
        pytest.skip(said.err)
    assert status == 0, said.err
    assert verb == "list" or "sweep: 6 of 6 cells done" in said.out
