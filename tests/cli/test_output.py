"""A run whose output cannot be written ends as it would have: record, log and exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .conftest import TINY

RUN = [sys.executable, "-m", "ddbench", "run", *(f"{k}={v}" for k, v in TINY.items())]
STREAMS = {
    "a reader that goes away": "| head -1",
    "a full disk": "> /dev/full 2> /dev/full",
    "closed streams": ">&- 2>&- <&-",
    "letters of ASCII alone": "| cat",
}


def shell(words: list[str], streams: str, folder: Path, **environment: str) -> int:
    """The exit status of a command whose output goes where a shell is told to."""
    script = f'"$@" {streams}; exit ${{PIPESTATUS[0]}}'
    return subprocess.run(
        ["bash", "-c", script, "bash", *words],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        capture_output=True,
        check=False,
        timeout=300,
    ).returncode


@pytest.mark.slow
@pytest.mark.parametrize("streams", STREAMS.values(), ids=STREAMS)
def test_a_run_goes_on_to_its_record(streams, tmp_path):
    words = [*RUN, f"runs_root={tmp_path / 'läufe'}"]
    ascii_only = {"PYTHONIOENCODING": "ascii", "LC_ALL": "C"} if streams == "| cat" else {}
    assert shell(words, streams, tmp_path, **ascii_only) == 0
    (record,) = tmp_path.glob("läufe/random-*/record.json")
    assert f"record: {record}" in record.with_name("log.txt").read_text(encoding="utf-8")
    assert shell([*words, "ipc=0"], streams, tmp_path, **ascii_only) == 2


@pytest.mark.parametrize("streams", STREAMS.values(), ids=STREAMS)
def test_a_list_that_nobody_reads_is_no_error(streams, tmp_path):
    words = [sys.executable, "-m", "ddbench", "list"]
    assert shell([*words, "methods"], streams, tmp_path) == 0
    assert shell([*words, "method"], streams, tmp_path) == 2
