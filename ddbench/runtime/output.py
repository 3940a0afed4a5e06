"""Output that cannot be written never changes what a run does."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from typing import Any, TextIO, cast

UNWRITABLE = (OSError, ValueError)
"""A reader that went away, a full disk, and a stream that is closed."""


class SteadyStream:
    """A text stream that drops what it cannot write; in all else the stream itself.

    Args:
        stream: what is written to; None: nothing, as in a process that began without it.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)

    def write(self, text: str) -> int:
        """Write, with a question mark for each letter that the stream's encoding lacks."""
        if self.stream is not None:
            with suppress(*UNWRITABLE):
                try:
                    self.stream.write(text)
                except UnicodeEncodeError as error:
                    known = text.encode(error.encoding, "replace").decode(error.encoding)
                    self.stream.write(known)
        return len(text)

    def writelines(self, lines: list[str]) -> None:
        """Write one after the other."""
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        """Flush what can be written."""
        if self.stream is not None:
            with suppress(*UNWRITABLE):
                self.stream.flush()

    def isatty(self) -> bool:
        """Whether a person watches."""
        with suppress(*UNWRITABLE):
            return self.stream is not None and self.stream.isatty()
        return False


@contextmanager
def steady_output() -> Iterator[None]:
    """Let nothing that is written to stdout and stderr during a block raise an error."""
    with (
        redirect_stdout(cast(TextIO, SteadyStream(sys.stdout))),
        redirect_stderr(cast(TextIO, SteadyStream(sys.stderr))),
    ):
        yield


def occupy_standard_streams() -> None:
    """Open the null device in the place of a closed stdin, stdout or stderr.

    A file opened later would get the number of the closed one, and what libraries write there.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)


def drop_what_is_left() -> None:
    """Send to nowhere what stdout and stderr hold and cannot write, at the end of a process."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        try:
            stream.flush()
        except UNWRITABLE:
            with suppress(*UNWRITABLE):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
