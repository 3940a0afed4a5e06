"""Output that cannot be written is dropped, and raises nothing."""

from __future__ import annotations

import errno
import io
import sys
from typing import TextIO, cast

import pytest

from ddbench.runtime.output import SteadyStream, steady_output
from ddbench.runtime.progress import Progress


class Broken(io.StringIO):
    """A stream that nothing can be written to."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error

    def write(self, text: str) -> int:
        raise self.error

    def flush(self) -> None:
        raise self.error


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


UNWRITABLE = [
    Broken(BrokenPipeError(errno.EPIPE, "Broken pipe")),
    Broken(OSError(errno.ENOSPC, "No space left on device")),
    closed(),
    None,
]


@pytest.mark.parametrize("stream", UNWRITABLE, ids=["pipe", "full", "closed", "none"])
def test_what_cannot_be_written_is_dropped(stream: TextIO | None) -> None:
    steady = SteadyStream(cast(TextIO, SteadyStream(stream)))  # a run's inside the command's
    assert steady.write("text") == 4
    steady.writelines(["a", "b"])
    steady.flush()
    assert not steady.isatty()


def test_letters_that_an_encoding_lacks_are_question_marks() -> None:
    raw = io.BytesIO()
    steady = SteadyStream(io.TextIOWrapper(raw, encoding="ascii"))
    steady.write("74.2 ± 6.2 数\n")
    steady.flush()
    assert raw.getvalue() == b"74.2 ? 6.2 ?\n"


def test_all_else_is_the_stream_itself() -> None:
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    steady = SteadyStream(stream)
    assert (steady.encoding, steady.buffer) == ("latin-1", stream.buffer)


def test_streams_are_put_back_after_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    before = Broken(BrokenPipeError()), Broken(BrokenPipeError())
    monkeypatch.setattr(sys, "stdout", before[0])
    monkeypatch.setattr(sys, "stderr", before[1])
    with steady_output():
        print("said", flush=True)
        print("complained", file=sys.stderr, flush=True)
    assert (sys.stdout, sys.stderr) == before


@pytest.mark.parametrize("stream", UNWRITABLE, ids=["pipe", "full", "closed", "none"])
def test_news_that_nobody_reads_are_in_the_log(stream, monkeypatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(sys, "stdout", cast(TextIO, stream))
    news = Progress(tmp_path / "log.txt")
    with news.phase("teacher", 10) as phase:
        news.say("said")
        phase.advance(1)
    assert "said" in (tmp_path / "log.txt").read_text()
