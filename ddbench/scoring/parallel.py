"""Score several small networks in parallel, each in a process of its own with one thread.

A network of a few thousand weights leaves most of a machine idle: on two cores, two processes of
one thread train NAS-Bench-201 cells 1.5 times as fast as one process of two threads. Starting them
and reading the images in each takes that gain back where there is little to train.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from ..models.spec import ModelSpec
from ..runtime.runtime import POLL_SECONDS, Runtime
from ..training.lab import Lab, LabSpec
from .students import Score

WORTH_STARTING = 120.0
"""Seconds of work from which on processes are started; each reads the images anew."""

Work = Callable[[Lab], Score]
"""Such as `score_student` with everything but the lab; it is sent to other processes."""


@dataclass(frozen=True)
class _Opening:
    """What another process needs to open the same lab."""

    spec: LabSpec
    data_root: Path
    store: Path
    device: str
    checkpoint_seconds: float

    @classmethod
    def of(cls, lab: Lab) -> _Opening:
        """That of a lab of this process."""
        runtime = lab.runtime
        return cls(
            lab.spec,
            lab.dataset.source.root,
            runtime.store.root,
            str(runtime.execution.device),
            runtime.checkpoint_seconds,
        )

    def open(self) -> Lab:
        """Open the lab with one thread and a silent console."""
        runtime = Runtime.start(self.store, self.device, 1, self.checkpoint_seconds, quiet=True)
        return Lab.open(self.spec, self.data_root, runtime)


def worth_starting(scores: Sequence[Score], left: int) -> bool:
    """Whether what is left takes long enough, if it takes as long as what is done."""
    if not scores or left < 2:
        return False
    return left * fmean(score.wall_seconds for score in scores) >= WORTH_STARTING


def scores_in_flight(
    lab: Lab,
    work: Work,
    models: Sequence[ModelSpec],
    processes: int,
    finished: Callable[[int], None],
) -> list[Score]:
    """The scores of several models, in their order; each is kept in the store when it is known.

    Args:
        lab: of this process.
        work: done with a lab of each model.
        models: to score.
        processes: at work at once.
        finished: told how many are done, now and then.

    Raises:
        StopRequested: when asked to stop. The processes are ended; what they had begun goes on
            from its last checkpoint in the next run.
    """
    from joblib.externals.loky import get_reusable_executor

    opening = _Opening.of(lab)
    executor = get_reusable_executor(max_workers=min(processes, len(models)))
    try:
        jobs = [executor.submit(_score, opening, work, model) for model in models]
        pending = set(jobs)
        while pending:
            _, pending = wait(pending, POLL_SECONDS, FIRST_COMPLETED)
            lab.runtime.stop.check()
            finished(len(jobs) - len(pending))
        return [job.result() for job in jobs]
    except BaseException:
        executor.shutdown(wait=True, kill_workers=True)
        raise


_opened: tuple[_Opening, Lab] | None = None
"""The lab of this process, which its next work is likely to need, too."""


def _score(opening: _Opening, work: Work, model: ModelSpec) -> Score:
    global _opened
    if _opened is None or _opened[0] != opening:
        _opened = (opening, opening.open())
    lab = _opened[1]
    with lab.dataset.scoring():
        return work(lab.with_model(model))
