"""The frame around the verbs: version, stopping, a reader that goes away."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

import ddbench
from ddbench.cli import list_verb
from ddbench.errors import StopRequested


def test_the_version_is_that_of_the_package(command):
    assert command("--version").out == f"ddbench {ddbench.__version__}\n"


@pytest.mark.parametrize(
    ("stop", "status"),
    [
        (StopRequested(signal.SIGTERM), 143),
        (StopRequested(signal.SIGINT), 130),
        (KeyboardInterrupt(), 130),
    ],
    ids=repr,
)
def test_being_stopped_is_one_line_and_the_status_of_the_signal(stop, status, command, monkeypatch):
    def stopped(words):
        raise stop

    monkeypatch.setattr(list_verb, "list_names", stopped)
    answer = command("list", "methods")
    assert answer.status == status
    assert answer.err == "ddbench: stopped; the same command continues\n"


@pytest.mark.parametrize("error", [PermissionError, IsADirectoryError, NotADirectoryError, OSError])
def test_a_file_that_cannot_be_used_is_one_line_wherever_it_is_met(error, command, monkeypatch):
    def forbidden(given):
        raise error(13, "Permission denied", "a folder/x")

    monkeypatch.setattr(list_verb, "list_names", forbidden)
    told = command("list", "methods").complaint
    assert told == "ddbench: a folder/x cannot be used (Permission denied): choose another\n"


def test_an_error_of_no_file_is_a_failure(command, monkeypatch):
    def broken(given):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(list_verb, "list_names", broken)
    with pytest.raises(OSError, match="Input/output error"):
        command("list", "methods")


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_a_reader_that_goes_away_is_no_error(unbuffered):
    reader, writer = os.pipe()
    os.close(reader)
    answer = subprocess.run(
        [sys.executable, "-m", "ddbench", "list", "methods"],
        stdout=writer,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered},
        check=False,
    )
    os.close(writer)
    assert (answer.returncode, answer.stderr) == (0, b"")
