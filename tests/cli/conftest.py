"""The command line called in this process: a new one would spend its time importing torch."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch

from ddbench.cli.main import main

TINY = {
    "dataset": "digits",
    "method": "random",
    "budget": "smoke",
    "control": "null",
    "protocols": "[hard]",
    "threads": "1",  # small steps are slower with several threads, above all where cores are shared
}


@dataclass(frozen=True)
class Answer:
    """What a command said."""

    status: int
    out: str
    err: str

    @property
    def complaint(self) -> str:
        """The one line on stderr of a user's mistake."""
        assert self.status == 2, (self.status, self.err)
        assert self.err.startswith("ddbench: ")
        assert self.err.count("\n") == 1
        assert self.err.endswith("\n")
        return self.err


Command = Callable[..., Answer]


def tiny(words: tuple[str, ...]) -> list[str]:
    """Arguments of `run` or `show` with the smallest values where none are given."""
    given = {word.lstrip("+~").partition("=")[0].partition("@")[0] for word in words}
    return [*words, *(f"{key}={value}" for key, value in TINY.items() if key not in given)]


@pytest.fixture
def command(capsys, monkeypatch, tmp_path) -> Command:
    """Call the command line; runs and data are in `tmp_path`."""
    monkeypatch.setenv("DDBENCH_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("DDBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(sys, "argv", ["ddbench"])
    monkeypatch.chdir(tmp_path)
    threads = torch.get_num_threads()

    def call(*words: str) -> Answer:
        capsys.readouterr()
        status = main(list(words))
        torch.set_num_threads(threads)
        said = capsys.readouterr()
        return Answer(status, said.out, said.err)

    return call


@pytest.fixture
def run_tiny(command) -> Command:
    """Call `ddbench run` with the smallest values where none are given."""
    return lambda *words: command("run", *tiny(words))


@pytest.fixture(scope="session")
def finished_runs(tmp_path_factory) -> Path:
    """A folder of runs with one finished run in it, which has trained a network."""
    root = tmp_path_factory.mktemp("finished") / "runs"
    argv = sys.argv
    assert main(["run", *tiny(("protocols=[soft]", f"runs_root={root}"))]) == 0
    sys.argv = argv
    return root


@pytest.fixture
def runs(finished_runs, tmp_path) -> Path:
    """A copy of the finished run where the command line looks for runs."""
    return Path(shutil.copytree(finished_runs, tmp_path / "runs"))


def temporary_files(root: Path) -> list[Path]:
    """Temporary files, which atomic writing must not leave behind."""
    return [path for path in root.rglob(".*") if path.is_file()]


@pytest.fixture
def left_behind(tmp_path) -> Callable[[], list[Path]]:
    """The temporary files under `tmp_path`."""
    return lambda: temporary_files(tmp_path)
