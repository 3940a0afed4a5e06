"""How many cores are free: where others are at work, more threads than that wait for one another.

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
"""The part of a core from which on it counts as free."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""By these a person, a scheduler or a launcher of processes says how many threads to use."""


def threads_are_given() -> bool:
    """Whether the environment says how many threads a process uses."""
    return any(os.environ.get(name) for name in THREAD_VARIABLES)


def free_cores() -> int:
    """Cores that this process may use and that nobody else does, at least one.

    What others do is measured for a fifth of a second, in which this process sleeps.
    """
    from joblib import cpu_count  # which knows of affinities, and of what a container is allowed

    busy = psutil.cpu_percent(SAMPLE_SECONDS, percpu=True)
    idle = sum(1 - percent / 100 for percent in busy)
    return max(1, min(int(cpu_count()), int(idle + 1 - NEARLY_IDLE)))


@contextmanager
def share_of_cores(processes: int) -> Iterator[None]:
    """Let each of several processes that are started in a block use its share of the cores.

    Where the environment says how many threads to use, each uses as many.

    Args:
        processes: that work at once.
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
