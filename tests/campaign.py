"""A campaign of attempts to break promises: `python tests/campaign.py --minutes 60`.

Each attempt draws its actions from a seed of its own, and requires what ddbench promises: the same
numbers, or one line that says what is wrong. For every failed attempt a command is printed that
repeats it. The campaign is not part of the test suite: it ends when its time is over.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from campaign_kinds import KINDS
from campaign_kinds.foreign import left_out
from campaign_kinds.tiny_runs import coverage
from campaign_kinds.worker import KEPT, Ended, attempts
from processes import IMPORTED_BEFORE_FORKING, PROCESSES
from tabulate import tabulate

SLICE_SECONDS = 20.0
"""Seconds of one kind before another has its turn."""
SEEDS = 10**7
"""The most attempts of one kind and one campaign seed that have seeds of their own."""
LOG = "campaign.log"


@dataclass
class Tally:
    """The outcome of one kind of attempt."""

    attempts: int = 0
    seconds: float = 0.0
    failures: list[Ended] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a campaign, or repeat one attempt; returns 1 if a promise was not kept."""
    given = _parser().parse_args(arguments)
    for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")  # read by child processes, in which all runs are done
    PROCESSES.set_forkserver_preload([*IMPORTED_BEFORE_FORKING, "campaign_kinds.worker"])
    if given.replay:
        return replay(*given.replay)
    root = Path(tempfile.mkdtemp(prefix="campaign-"))
    _say(root, f"log: {root / LOG}")
    for name, reason in left_out().items():
        _say(root, f"left out: the importer {name}: {reason}")
    tallies = campaign(given.only or list(KINDS), given.minutes * 60, given.seed, root)
    _say(root, "\n".join([summary(tallies), *coverage(root / KEPT)]))
    for path in root.iterdir():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
    return int(any(tally.failures for tally in tallies.values()))


def campaign(
    names: Sequence[str], seconds: float, seed: int, root: Path, most: int | None = None
) -> dict[str, Tally]:
    """Attempts of each kind in turns, by its share of the time; fewer when it is interrupted.

    Args:
        names: the names of the kinds.
        seconds: the time for all of them.
        seed: the seed of the campaign.
        root: a folder for what attempts write, and for the log.
        most: the most attempts of each kind in one turn.
    """
    tallies = {name: Tally() for name in names}
    end = time.monotonic() + seconds
    while True:
        name = min(names, key=lambda one: tallies[one].seconds / KINDS[one].share)
        tally, begun = tallies[name], time.monotonic()
        if tally.attempts and begun >= end:
            return tallies
        first = seed * SEEDS + tally.attempts
        try:
            ended = attempts(KINDS[name], first, min(SLICE_SECONDS, end - begun), most, root)
        except KeyboardInterrupt:
            return tallies
        tally.attempts += len(ended)
        tally.seconds += time.monotonic() - begun
        for one in ended:
            if one.problem is not None:
                tally.failures.append(one)
                _say(root, f"FAILED {name}:{one.seed} {one.problem}\n{one.details}".rstrip())
        _say(root, f"{name}: {tally.attempts} attempts, {len(tally.failures)} failures")


def replay(name: str, seed: int) -> int:
    """Make one attempt again."""
    with tempfile.TemporaryDirectory(prefix="campaign-") as folder:
        (ended,) = attempts(KINDS[name], seed, 0, 1, Path(folder))
    print(f"{ended.problem or 'as promised'}\n{ended.details}".rstrip())
    return int(ended.problem is not None)


def summary(tallies: dict[str, Tally]) -> str:
    """The table, and a command for each failure."""
    rows = [
        (name, tally.attempts, len(tally.failures), round(tally.seconds))
        for name, tally in tallies.items()
    ]
    lines = [tabulate(rows, ["kind", "attempts", "failures", "seconds"], tablefmt="github")]
    for name, tally in tallies.items():
        for one in tally.failures:
            lines.append(f"python tests/campaign.py --replay {name}:{one.seed}  # {one.problem}")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("campaign.py", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=60, help="for all attempts (default 60)")
    parser.add_argument("--seed", type=int, default=0, help="of the draws (default 0)")
    parser.add_argument(
        "--only", action="append", choices=list(KINDS), metavar="KIND",
        help=f"one of {', '.join(KINDS)}; may be given again",
    )  # fmt: skip
    parser.add_argument("--replay", type=_place, metavar="KIND:SEED", help="make one attempt again")
    return parser


def _place(text: str) -> tuple[str, int]:
    name, _, seed = text.partition(":")
    if name not in KINDS or not seed.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not KIND:SEED, such as kill:7")
    return name, int(seed)


def _say(root: Path, text: str) -> None:
    print(text, flush=True)
    with (root / LOG).open("a", encoding="utf-8") as file:
        file.write(f"{time.strftime('%H:%M:%S')} {text}\n")


if __name__ == "__main__":
    sys.exit(main())
