"""Progress of a run: a bar on a terminal, and periodic lines elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO, cast

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from torch import Tensor

from ..records.units import duration
from .output import SteadyStream

BAR_SECONDS = 0.2
LINE_SECONDS = 10.0

Scalars = Mapping[str, float | Tensor]


class Progress:
    """A run's output: the console, and a log file without control characters.

    Args:
        log: the file that lines are appended to, or None.
        quiet: write nothing to the console.
    """

    def __init__(self, log: Path | None = None, quiet: bool = False) -> None:
        self.log = log
        output = cast(TextIO, SteadyStream(sys.stdout))
        self.console = Console(
            file=output, quiet=quiet, highlight=False, soft_wrap=True, markup=False
        )
        self._bars: Bars | None = None

    def log_to(self, log: Path) -> None:
        """Set the log file."""
        self.log = log

    def say(self, text: str) -> None:
        """Write one or more lines to the console and the log."""
        self.console.print(text)
        self.write_log(text)

    def write_log(self, text: str) -> None:
        """Append to the log only."""
        if self.log is not None:
            stamp = time.strftime("%Y-%m-%d %H:%M:%S ")
            with self.log.open("a", encoding="utf-8") as file:
                file.write("".join(f"{stamp}{_printable(line)}\n" for line in text.splitlines()))

    @contextmanager
    def phase(self, title: str, total: int, done: int = 0) -> Iterator[Phase]:
        """Show a piece of work with a known number of steps.

        Args:
            title: title of the work.
            total: number of steps.
            done: steps done by earlier processes.
        """
        outermost = self._bars is None
        if self._bars is None:
            self._bars = Bars(
                TextColumn("{task.description}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.fields[news]}"),
                console=self.console,
                transient=True,
                disable=not self.console.file.isatty(),
            )
            self._bars.start()
        phase = Phase(self, self._bars, title, total, done)
        try:
            yield phase
        finally:
            phase.close()
            if outermost:
                self._bars.stop()
                self._bars = None


class Phase:
    """One piece of work in progress; made by `Progress.phase`."""

    def __init__(self, owner: Progress, bars: Bars, title: str, total: int, done: int) -> None:
        self.owner, self.bars, self.title = owner, bars, title
        self.total, self.first, self.done = total, done, done
        self.task = bars.add_task(title, total=total, completed=done, news="")
        self.begun = self.last_bar = self.last_line = time.monotonic()

    def advance(self, done: int, scalars: Scalars | None = None) -> None:
        """Report that `done` steps are finished; scalars on a device are read only when shown."""
        self.done = done
        now = time.monotonic()
        if not self.bars.disable and now - self.last_bar >= BAR_SECONDS:
            self.last_bar = now
            self.bars.update(self.task, completed=done, news=as_text(scalars))
        if now - self.last_line >= LINE_SECONDS:
            self.last_line = now
            self._line(now, scalars)

    def close(self) -> None:
        """Remove the bar."""
        self.bars.remove_task(self.task)

    def _line(self, now: float, scalars: Scalars | None) -> None:
        rate = (self.done - self.first) / max(now - self.begun, 1e-9)
        left = (self.total - self.done) / rate if rate else float("inf")
        line = (
            f"{self.title}: {self.done}/{self.total}, {rate:.3g}/s, "
            f"{duration(left)} left{'; ' if scalars else ''}{as_text(scalars)}"
        )
        if self.bars.disable:
            self.owner.console.print(line)
        self.owner.write_log(line)


def _printable(line: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in line)


def as_text(scalars: Scalars | None) -> str:
    """Names and values of scalars, such as "loss 0.42, movement 0.1"."""
    return ", ".join(f"{name} {float(value):.4g}" for name, value in (scalars or {}).items())
