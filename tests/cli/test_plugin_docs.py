"""The commands of docs/plugins.md in their order, in the package that the first one writes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from packages import Package

import ddbench
from ddbench.cli import regress_verb
from ddbench.records.record import Record

PAGE = Path(__file__).resolve().parents[2] / "docs" / "plugins.md"
COMMANDS = [
    line
    for block in re.findall(
        r"^```(?:sh)?\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    for line in block.splitlines()
    if line.startswith("ddbench ")
]
TINY = ["budget=smoke", "threads=1", "protocols=[hard]", "control=null", "model.width=8"]
CHECKED_ELSEWHERE = {"test"}
"""Verbs whose answer for a new package has a test of its own, and takes ten seconds."""


def one_after_the_other(runs: Sequence[list[str]]) -> Iterator[Record]:
    """What the gate does in processes of its own."""
    for words in runs:
        kept = [word for word in words if not word.startswith("budget")]
        yield ddbench.run([*kept, *TINY[:1], *TINY[4:], "runs_root=gate"], quiet=True)


def test_the_page_has_commands_for_each_of_its_parts() -> None:
    verbs = [shlex.split(command)[1] for command in COMMANDS]
    assert set(verbs) == {"new", "test", "run", "list", "show", "regress"}
    assert verbs[0] == "new"


def test_the_commands_succeed_in_their_order(
    command: Callable[..., Any],
    package: Package,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(regress_verb, "in_two_processes", one_after_the_other)
    for line in COMMANDS:
        _, verb, *words = shlex.split(line)
        if verb in CHECKED_ELSEWHERE:
            continue
        words = [word.replace("seed=0,1,2", "seed=0") for word in words]
        answer = command(verb, *words, *(TINY if verb == "run" else ()))
        assert answer.status == 0, (line, answer.err)
        assert answer.out
        if verb == "new":
            folder = tmp_path / "ddbench-mine"
            package.install_project(folder)
            monkeypatch.chdir(folder)
