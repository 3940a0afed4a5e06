"""Counting the free cores: on a shared machine, more threads than that wait for one another.

On a machine with other work, a step of a small network took 2 ms with one thread and 30 to 280 ms
with two on two cores, because each thread spins, or sleeps, until its neighbour gets a core.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

SAMPLE_SECONDS = 0.2
NEARLY_IDLE = 0.75
"""A core counts as free if at least this fraction of it is idle."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables by which a user, a scheduler or a process launcher sets the number of threads."""


def threads_are_given() -> bool:
    """Whether the environment sets the number of threads of a process."""
    return any(os.environ.get(name) for name in THREAD_VARIABLES)


def free_cores() -> int:
    """Number of cores that this process may use and that others leave idle, at least one.

    The load is measured for a fifth of a second, during which this process sleeps.
    """
    from joblib import cpu_count  # which respects affinities and the limits of containers

    busy = psutil.cpu_percent(SAMPLE_SECONDS, percpu=True)
    idle = sum(1 - percent / 100 for percent in busy)
    return max(1, min(int(cpu_count()), int(idle + 1 - NEARLY_IDLE)))


@contextmanager
def share_of_cores(processes: int) -> Iterator[None]:
    """Let each process started in the block use its share of the cores.

    If the environment sets the number of threads, each process uses that number.

    Args:
        processes: number of processes that run at once.
    """
    if threads_are_given():
        yield
        return
    from joblib import cpu_count

    os.environ[THREAD_VARIABLES[0]] = str(max(1, int(cpu_count()) // processes))
    try:
        yield
    finally:
        del os.environ[THREAD_VARIABLES[0]]
