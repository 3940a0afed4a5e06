"""Output streams whose write errors never affect a run."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast

UNWRITABLE = (OSError, ValueError)
"""Errors of a broken pipe, a full disk, or a closed stream."""


class SteadyStream:
    """A text stream that drops what it cannot write; otherwise it acts as the stream itself.

    Args:
        stream: the stream to write to; None: no stream, as in a process started without it.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write text, with a question mark for each character that the encoding lacks."""
        if self.stream is not None:
            with suppress(*UNWRITABLE):
                try:
                    self.stream.write(text)
                except UnicodeEncodeError as error:
                    known = text.encode(error.encoding, "replace").decode(error.encoding)
                    self.stream.write(known)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write several lines."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush what can be written."""
        if self.stream is not None:
            with suppress(*UNWRITABLE):
                self.stream.flush()

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        with suppress(*UNWRITABLE):
            return self.stream is not None and self.stream.isatty()
        return False


@contextmanager
def steady_output() -> Iterator[None]:
    """Suppress errors of writing to stdout and stderr during the block."""
    with (
        redirect_stdout(cast(TextIO, SteadyStream(sys.stdout))),
        redirect_stderr(cast(TextIO, SteadyStream(sys.stderr))),
    ):
        yield


def occupy_standard_streams() -> None:
    """Open the null device in place of a closed stdin, stdout or stderr.

    Otherwise a file opened later would get the closed one's descriptor, and libraries' output.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def drop_what_is_left() -> None:
    """Discard what stdout and stderr have buffered and cannot write, at the end of a process."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except UNWRITABLE:
            with suppress(*UNWRITABLE):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
