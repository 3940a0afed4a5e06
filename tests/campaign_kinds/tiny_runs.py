"""Runs of about a second for every method and evaluator, and what must not differ between them."""

from __future__ import annotations

import json
import random
import shutil
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from child import ANYWHERE
from processes import start_child

from ddbench.distilling.registry import METHODS
from ddbench.records.record import Record
from ddbench.scoring.registry import EVALUATORS
from ddbench.testing.common import SMALL
from ddbench.testing.promise import require

from .attempt import Answer

SECONDS = 200
"""Seconds after which a run of about a second counts as hanging."""
OF_THE_MACHINE = {"costs", "environment", "finished", "paper_seconds"}
"""The fields of a record that depend on the machine: times, memory, versions and date."""
CLOCK = "wall_seconds"


@dataclass(frozen=True)
class TinyRun:
    """The run asked for.

    Args:
        method: the method that makes the set.
        evaluator: the evaluator that scores it.
        often: the least time between checkpoints; results do not depend on it.
        threads: "null" for the number that the process has, which is 1 as well; an unfinished
            run then continues with the number that it was begun with.
    """

    method: str
    evaluator: str
    often: str = "60"
    threads: str = "1"

    @classmethod
    def drawn(cls, draws: random.Random) -> TinyRun:
        """A method and an evaluator of all that are registered."""
        often = draws.choice(("0", "0", "0.05", "1000"))
        return cls(
            draws.choice(METHODS.names()),
            draws.choice(EVALUATORS.names()),
            often,
            draws.choice(("1", "null")),
        )

    def words(self, root: Path) -> list[str]:
        """The command line."""
        return [
            "run",
            *(word for word in SMALL if not word.startswith("threads=")),
            f"threads={self.threads}",
            "model.width=8",
            "protocols=[hard]",
            f"method={self.method}",
            f"evaluators=[{self.evaluator}]",
            f"checkpoint_seconds={self.often}",
            f"runs_root={root / 'runs'}",
        ]


@dataclass(frozen=True)
class Result:
    """What a run leaves that must be the same however it came to its end.

    Args:
        distilled: the bytes of the set.
        record: the record as text, without what depends on the machine and the hour.
        students: hashes of the weights of all networks that were scored.
    """

    distilled: bytes
    record: str
    students: frozenset[str]


def result_in(root: Path) -> Result:
    """The result of the only run in a folder."""
    (path,) = root.glob("runs/*/record.json")
    noted = root / "students"
    return Result(
        path.with_name("distilled.safetensors").read_bytes(),
        _steady(Record.load(path)),
        frozenset(noted.read_text().split() if noted.exists() else ()),
    )


def _steady(record: Record) -> str:
    values = record.plain()
    kept: dict[str, Any] = {
        key: value for key, value in values.items() if key not in OF_THE_MACHINE
    }
    kept["curve"] = [
        {name: value for name, value in point.items() if name != CLOCK} for point in values["curve"]
    ]
    # Measurements of a machine name it; an interrupted run also has other parts.
    kept["measurements"] = [one for one in values["measurements"] if "on" not in one["coordinates"]]
    return json.dumps(kept, sort_keys=True)


def run(words: list[str], root: Path, name: str, blow: tuple[Any, ...] | None = None) -> Answer:
    """Give a command in a process of its own, which may be struck.

    Args:
        words: the command line.
        root: the folder of the attempt.
        name: the name of the process, under which its output is saved.
        blow: as in `child.Blow`.
    """
    process = start_child(words, root / name, blow)
    process.join(SECONDS)
    if process.exitcode is None:
        process.kill()
        process.join()
        require(False, f"{' '.join(words)}: not at its end after {SECONDS} s")
    said = [(root / name / stream) for stream in ("stdout", "stderr")]
    texts = [file.read_text() if file.exists() else "" for file in said]
    assert process.exitcode is not None
    return Answer(process.exitcode, *texts)


def undisturbed(tiny: TinyRun, kept: Path) -> tuple[Path, Result, int]:
    """A run that nobody disturbs, made once: its folder, its result, its number of calls."""
    root = kept / f"{tiny.method}-{tiny.evaluator}"
    done = root / "only" / "calls"
    if not done.exists():
        shutil.rmtree(root, ignore_errors=True)
        plain = TinyRun(tiny.method, tiny.evaluator)
        found = run(plain.words(root), root, "only", (ANYWHERE, 0, signal.SIGTERM))
        require(found.status == 0, f"undisturbed, it ends with {found.status}: {found.err[-500:]}")
    return root, result_in(root), int(done.read_text())


def coverage(kept: Path) -> list[str]:
    """How many pairs of a method and an evaluator were tried, and which measured nothing."""
    roots = sorted(root for root in kept.glob("*") if (root / "only" / "calls").exists())
    pairs = len(METHODS.names()) * len(EVALUATORS.names())
    lines = [f"runs: {len(roots)} of {pairs} pairs of a method and an evaluator"] if roots else []
    skipped = {
        f"{name} measured nothing: {facts.skipped}"
        for root in roots
        for path in root.glob("runs/*/record.json")
        for name, facts in Record.load(path).evaluators.items()
        if facts.skipped is not None
    }
    return lines + sorted(skipped)


def require_result(found: Result, expected: Result, when: str) -> None:
    """Require the same bytes, the same record, and no network that was not trained before."""
    require(found.distilled == expected.distilled, f"{when}: another distilled set")
    if found.record != expected.record:
        ours, theirs = (json.loads(one.record) for one in (found, expected))
        unlike = [key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)]
        require(False, f"{when}: another record, in {', '.join(sorted(unlike))}")
    require(found.students <= expected.students, f"{when}: networks of other weights were scored")
