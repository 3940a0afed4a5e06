"""What the TAB key completes."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
import sys

import pytest

from ddbench.cli.completions import KEYS, completions
from ddbench.cli.main import VERBS
from ddbench.distilling.registry import METHODS
from ddbench.runs.request import RunConfig


def test_the_first_word_is_a_verb():
    assert completions("ddbench ") == sorted([*VERBS, "--help", "--version"])
    assert completions("ddbench le") == ["leaderboard"]


def test_keys_are_those_of_a_run():
    assert set(KEYS) == {field.name for field in dataclasses.fields(RunConfig)}
    assert completions("ddbench run -m dat") == ["data_root=", "dataset="]
    assert "workers=" in completions("ddbench run ")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("ddbench run method=ap", ["apm"]),
        ("ddbench show ipc=1 budget=s", ["short", "smoke"]),
        ("ddbench run -m method=random,ap", ["random,apm"]),
        ("ddbench list eva", ["evaluators"]),
        ("ddbench list --js", ["--json"]),
        ("ddbench completion z", ["zsh"]),
        ("ddbench run seed=", []),
        ("ddbench nothing ", []),
    ],
)
def test_a_word_becomes_what_it_can_be(line, found):
    assert completions(line) == found


def test_every_method_can_be_completed():
    assert completions("ddbench run method=") == METHODS.names()


def test_bash_completes_with_the_script(command, tmp_path):
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    program = tmp_path / "ddbench"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m ddbench "$@"\n')
    program.chmod(0o755)
    line = "ddbench run method=ap"
    ask = f'PATH="{tmp_path}:$PATH" COMP_LINE="{line}" COMP_POINT={len(line)}; _ddbench'
    script = f'{command("completion", "bash").out}\n{ask}\necho "${{COMPREPLY[@]}}"'
    answer = subprocess.run([bash, "-c", script], capture_output=True, text=True, check=False)
    assert answer.stdout == "apm\n", answer.stderr


def test_another_shell_is_a_mistake(command):
    assert "bash" in command("completion", "fsh").complaint
    assert "bash" in command("completion").complaint
