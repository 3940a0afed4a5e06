"""A run that gets signals at random instants ends like an undisturbed one."""

from __future__ import annotations

import random
import signal
from pathlib import Path

from child import ANYWHERE

from ddbench.testing.promise import require

from .attempt import Kind, require_line
from .tiny_runs import TinyRun, require_result, result_in, run, undisturbed

SIGNALS = (
    signal.SIGKILL,
    signal.SIGKILL,
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGHUP,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGXCPU,
)
MOST_BLOWS = 4


def attempt(draws: random.Random, folder: Path, kept: Path) -> None:
    """Send a signal at the n-th call of a function, one to four times, then repeat the command."""
    tiny = TinyRun.drawn(draws)
    _, expected, calls = undisturbed(tiny, kept)
    words = tiny.words(folder)
    story = f"{tiny}"
    for number in range(draws.randint(1, MOST_BLOWS)):
        blow, at = draws.choice(SIGNALS), draws.randint(1, calls)
        story += f", {blow.name} at call {at} of {calls}"
        found = run(words, folder, f"struck{number}", (ANYWHERE, at, blow))
        require(
            found.status in (0, -blow, 128 + blow),
            f"{story}: status {found.status}, {found.err[-500:]}",
        )
        for line in found.err.splitlines():
            require_line(line, folder)
        require("Traceback" not in found.out, f"{story}: a traceback on stdout")
    found = run(words, folder, "resumed")
    require(found.status == 0, f"{story}: resumed, it ends with {found.status}, {found.err[-500:]}")
    require_result(result_in(folder), expected, story)
    left = [path for path in folder.rglob("runs/**/.*") if path.is_file()]
    left += folder.glob("runs/artefacts/*/*.checkpoint")
    require(not left, f"{story}: {left[:1]} is left behind")


KIND = Kind("kill", attempt, share=5, seconds=1200)
