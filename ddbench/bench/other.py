"""Another ddbench in a process of its own, which stays alive and measures on request."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from ..errors import UserError, shortened
from .child import PROTOCOL
from .measure import NotMeasured

Plain = dict[str, Any]
FILE = Path(__file__).with_name("child.py")
AS_MODULE = ["-m", "ddbench"]
KEEPING_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**62)}
"""Variables that keep the GNU C library from returning memory to the system.

Floors are measured with them. Otherwise they would take nearly twice as long whenever memory is
provided anew for each result, which is chance and not part of the limit.
"""


class Other:
    """Sends requests to a ddbench, and waits for each answer.

    Args:
        command: words that start that ddbench, such as PYTHON -m ddbench.
        variables: environment variables for it, besides those of this process.

    Raises:
        UserError: if no ddbench answers.
    """

    def __init__(self, command: Sequence[str], variables: Mapping[str, str] | None = None) -> None:
        with ExitStack() as stack:
            self._said = stack.enter_context(
                tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace")
            )
            self._files = stack.pop_all()
        self._shown = shortened(shlex.join(command))
        try:
            self._process = subprocess.Popen(
                child_command(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._said,
                env={**os.environ, **(variables or {})},
                text=True,
                encoding="utf-8",
            )
        except OSError as error:
            self._files.close()
            reason = f"{error.strerror}: {command[0]}"
            raise UserError(f"against={self._shown}: cannot be started ({reason})") from error
        self.whereabouts = self._greeting()

    @classmethod
    def own(cls, variables: Mapping[str, str] | None = None) -> Other:
        """This ddbench in a process of its own."""
        places = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
        path = {"PYTHONPATH": os.pathsep.join(filter(None, places))}
        return cls([sys.executable, *AS_MODULE], {**path, **(variables or {})})

    def close(self) -> None:
        """End the process."""
        with suppress(OSError):
            assert self._process.stdin is not None
            self._process.stdin.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._files.close()

    def open(self, name: str, words: Sequence[str], batch: int) -> Plain:
        """As `Worker.open`."""
        return self._asked("open", name=name, words=list(words), batch=batch)

    def trace(self, part: int) -> Plain:
        """As `Worker.trace`."""
        return self._asked("trace", part=part)

    def peak(self, part: int) -> Plain:
        """As `Worker.peak`."""
        return self._asked("peak", part=part)

    def step(self, part: int, times: int) -> Plain:
        """As `Worker.step`."""
        return self._asked("step", part=part, times=times)

    def floor(self, part: int, times: int) -> Plain:
        """As `Worker.floor`."""
        return self._asked("floor", part=part, times=times)

    def _asked(self, do: str, **arguments: Any) -> Plain:
        """The answer to a request.

        Raises:
            NotMeasured: if the other side says that it cannot.
            UserError: if it has ended.
        """
        assert self._process.stdin is not None
        with suppress(OSError):
            self._process.stdin.write(json.dumps({"do": do, "with": arguments}) + "\n")
            self._process.stdin.flush()
        answer = self._line()
        if answer is None:
            raise self._ended("ended while it measured")
        if "problem" in answer:
            raise NotMeasured(str(answer["problem"]))
        return answer

    def _greeting(self) -> Plain:
        greeting = self._line()
        if greeting is None:
            raise self._ended("is not a ddbench that can be compared")
        told = greeting.pop("protocol", None)
        if told != PROTOCOL:
            raise self._ended(f"speaks {told}, not {PROTOCOL}")
        return greeting

    def _line(self) -> Plain | None:
        assert self._process.stdout is not None
        with suppress(ValueError):
            answer = json.loads(self._process.stdout.readline())
            return answer if isinstance(answer, dict) else None
        return None

    def _ended(self, what: str) -> UserError:
        """An error with the last line that the other process printed."""
        self._process.kill()
        self._process.wait()
        self._said.seek(0)
        lines = self._said.read().strip().splitlines()
        said = f": {shortened(lines[-1])}" if lines else ""
        self.close()
        return UserError(f"against={self._shown}: it {what}{said}")


def child_command(command: Sequence[str]) -> list[str]:
    """The command that starts `child` with the Python of a command that starts ddbench.

    Args:
        command: PYTHON -m ddbench, the script `ddbench` of an environment, or PYTHON alone; each
            may follow `env NAME=VALUE`.
    """
    words = list(command)
    if words[-2:] == AS_MODULE:
        return [*words[:-2], str(FILE)]
    python = _interpreter_of(Path(words[-1]))
    return [*words[:-1], python or words[-1], str(FILE)]


def _interpreter_of(script: Path) -> str | None:
    """The Python that a script names in its first line; None if the file is not a script."""
    with suppress(OSError, UnicodeDecodeError), script.open(encoding="utf-8") as file:
        first = file.readline(4096)
        if first.startswith("#!"):
            return first[2:].strip() or None
    return None
