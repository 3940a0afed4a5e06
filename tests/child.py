"""What a child process of a test does: a run that may be killed at a chosen call of a function.

Loaded by path in a fork of a process that has imported everything, so that it starts at once.
"""

from __future__ import annotations

import importlib
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ANYWHERE = "anywhere"


@dataclass(frozen=True)
class Blow:
    """A signal that the process sends itself at the n-th call (from 1) of a function.

    `place` is "module:name" or "module:Class.name", or `ANYWHERE` for the n-th call of any function
    of Python once a run has begun.
    """

    place: str
    call: int
    signal: int
    after: bool = False


def main(
    work: Any, out: Path, blow: Sequence[Any] | None = None, torch_threads: int | None = None
) -> None:
    """Do a request or a command line; what it prints and does is recorded in the folder `out`."""
    out.mkdir(parents=True, exist_ok=True)
    for number, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(out / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
    if torch_threads is not None:
        import torch

        torch.set_num_threads(torch_threads)
    if blow is not None:
        blow = Blow(*blow)
        if blow.signal == signal.SIGHUP:  # which is ignored where the tests themselves run in nohup
            signal.signal(blow.signal, signal.SIG_DFL)
        strike(blow, out)
    note_ticks(out)
    note_students(out)
    leave_out_the_gallery()
    if isinstance(work, list):
        from ddbench.cli.main import main as command

        sys.exit(command(work))
    from ddbench.runs.execute import execute

    execute(work)


def note_ticks(out: Path) -> None:
    """Append the title of the phase to a file at every finished step."""
    from ddbench.runtime.progress import Phase

    before = Phase.advance

    def advance(self: Any, done: int, scalars: Any = None) -> None:
        with (out / "ticks").open("a") as file:
            file.write(self.title + "\n")
        before(self, done, scalars)

    Phase.advance = advance  # type: ignore[method-assign]


def note_students(out: Path) -> None:
    """Append the hash of each scored network's weights: accuracies would hide a changed bit."""
    from ddbench.scoring import students
    from ddbench.store.files import digest, tensors_to_bytes

    before = students.accuracy_of

    def accuracy_of(network: Any, images: Any) -> float:
        with (out.parent / "students").open("a") as file:
            file.write(digest(tensors_to_bytes(network.state_dict())) + "\n")
        return before(network, images)

    students.accuracy_of = accuracy_of


def leave_out_the_gallery() -> None:
    """Draw no pictures, which take longer than the rest of a tiny run."""
    from ddbench.runs import execute as runner

    runner.gallery_png = lambda *arguments: b""  # type: ignore[attr-defined]


def strike(blow: Blow, out: Path) -> None:
    """Arrange that the process sends itself the signal."""
    if blow.place == ANYWHERE:
        strike_anywhere(blow, out)
        return
    module, _, path = blow.place.partition(":")
    owner: Any = importlib.import_module(module)
    *holders, name = path.split(".")
    for holder in holders:
        owner = getattr(owner, holder)
    before = getattr(owner, name)
    calls = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        mine = calls == blow.call
        if mine and not blow.after:
            os.kill(os.getpid(), blow.signal)
        result = before(*args, **kwargs)
        if mine and blow.after:
            os.kill(os.getpid(), blow.signal)
        return result

    setattr(owner, name, counted)


def strike_anywhere(blow: Blow, out: Path) -> None:
    """Count the calls from the beginning of a run, and note in a file how many there were."""
    from ddbench.cli import single

    before = single.execute

    def execute(*arguments: Any) -> Any:
        calls = 0

        def count(frame: Any, event: str, argument: Any) -> None:
            nonlocal calls
            calls += 1
            if calls == blow.call:
                os.kill(os.getpid(), blow.signal)

        sys.settrace(count)
        try:
            return before(*arguments)
        finally:
            sys.settrace(None)
            (out / "calls").write_text(str(calls))

    single.execute = execute
