"""Scoring several networks in parallel processes.

A small network leaves most of a machine idle: on two cores, two processes of one thread train
NAS-Bench-201 cells 1.5 times as fast as one process of two threads. If there is little to train,
starting the processes and reading the images in each costs more than that gain.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from ..models.spec import ModelSpec
from ..runtime.randomness import RandomStream
from ..runtime.runtime import POLL_SECONDS, Runtime
from ..training.lab import Lab, LabSpec
from .students import Score
from .training_sets import TrainingSet

WORTH_STARTING = 120.0
"""Seconds of work above which processes are started; each reads the images again."""
WORTH_OPERATIONS = 1e13
"""The same in floating-point operations: about `WORTH_STARTING` seconds of a core."""

Work = Callable[[Lab], Score]
"""For example `score_student` with all arguments but the lab; it is sent to other processes."""
Job = tuple[Work, ModelSpec]
"""Work, and the model of the lab in which it is done."""


@dataclass(frozen=True)
class _Opening:
    """What another process needs to open the same lab."""

    spec: LabSpec
    data_root: Path
    store: Path
    device: str
    threads: int
    checkpoint_seconds: float
    fresh: bool

    @classmethod
    def of(cls, lab: Lab, processes: int) -> _Opening:
        """The opening of this process's lab, whose threads are divided among the processes."""
        runtime = lab.runtime
        return cls(
            lab.spec,
            lab.dataset.source.root,
            runtime.store.root,
            str(runtime.execution.device),
            max(1, runtime.execution.threads // processes),
            runtime.checkpoint_seconds,
            runtime.fresh,
        )

    def open(self) -> Lab:
        """Open the lab with a silent console."""
        runtime = Runtime.start(
            self.store,
            self.device,
            self.threads,
            self.checkpoint_seconds,
            quiet=True,
            fresh=self.fresh,
        )
        return Lab.open(self.spec, self.data_root, runtime)


def worth_starting(scores: Sequence[Score], left: int) -> bool:
    """Whether the remaining work takes long enough, judged by the finished scores."""
    if not scores or left < 2:
        return False
    return left * fmean(score.wall_seconds for score in scores) >= WORTH_STARTING


def processes_for(lab: Lab, learnt: TrainingSet, networks: int) -> int:
    """Number of processes that train the evaluation networks of a set; 1: this process only.

    It depends only on the amount of work and the number of threads, never on measured time: the
    number of threads per network changes bits, so a repetition must decide in the same way.
    """
    execution = lab.runtime.execution
    at_once = min(networks, execution.threads)
    if at_once == 1 or execution.device.type != "cpu":
        return 1
    # A backward pass costs about twice as much as a forward pass.
    passes = 3 * learnt.recipe.epochs * len(learnt.images) + len(lab.data.scored)
    operations = networks * passes * _operations(lab, learnt.images[:1])
    return at_once if operations >= WORTH_OPERATIONS else 1


@torch.no_grad()
def _operations(lab: Lab, images: Tensor) -> int:
    """Floating-point operations of convolutions and matrix products in a forward pass."""
    with FlopCounterMode(display=False) as counter:
        lab.new_network(RandomStream(0)).eval()(images)
    return int(counter.get_total_flops())


def scores_in_flight(
    lab: Lab, jobs: Sequence[Job], processes: int, finished: Callable[[int], None]
) -> list[Score]:
    """The scores of several jobs, in order; each is stored as soon as it is known.

    Args:
        lab: lab of this process.
        jobs: the jobs.
        processes: number of parallel processes, among which this one's threads are divided.
        finished: called regularly with the number of finished jobs.

    Raises:
        StopRequested: when asked to stop. The processes are ended; the next run continues their
            work from its last checkpoints.
    """
    from joblib.externals.loky import get_reusable_executor

    workers = min(processes, len(jobs))
    opening = _Opening.of(lab, workers)
    executor = get_reusable_executor(max_workers=workers)
    try:
        under_way = [executor.submit(_score, opening, *job) for job in jobs]
        pending = set(under_way)
        while pending:
            _, pending = wait(pending, POLL_SECONDS, FIRST_COMPLETED)
            lab.runtime.stop.check()
            finished(len(jobs) - len(pending))
        return [job.result() for job in under_way]
    except BaseException:
        executor.shutdown(wait=True, kill_workers=True)
        raise


_opened: tuple[_Opening, Lab] | None = None
"""The lab last opened in this process, which the next job is likely to need, too."""


def _score(opening: _Opening, work: Work, model: ModelSpec) -> Score:
    global _opened
    if _opened is None or _opened[0] != opening:
        _opened = (opening, opening.open())
    lab = _opened[1]
    with lab.dataset.scoring():
        return work(lab.with_model(model))
