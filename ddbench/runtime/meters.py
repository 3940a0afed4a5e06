"""The cost of each phase: wall seconds and peak memory.

The harness measures costs; methods never do. A phase nested in another (teachers trained on demand
while distilling) is counted separately, and the outer one continues afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import torch

from ..records.cost import PhaseCost
from .heap import give_back_freed_memory


class CostMeter:
    """Measures the cost of blocks of work.

    Args:
        device: device on which the work runs.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self._stack: list[PhaseCost] = []
        self._since = 0.0

    @contextmanager
    def measure(self, cost: PhaseCost | None = None) -> Iterator[PhaseCost]:
        """Add the cost of the block, without blocks measured inside it, to `cost`, and yield it.

        Args:
            cost: cost of the same work in earlier processes.
        """
        total = cost or PhaseCost()
        self.update()
        self._stack.append(total)
        self._open_phase()
        try:
            yield total
        finally:
            self.update()
            self._stack.pop()
            self._open_phase()

    def update(self) -> None:
        """Bring the innermost measured cost up to date, as for a checkpoint."""
        if self._stack:
            elapsed = monotonic_seconds(self.device) - self._since
            now = PhaseCost(elapsed, *peak_memory(self.device))
            self._stack[-1].add(now)
            self._open()

    def _open_phase(self) -> None:
        release_cached_memory(self.device)
        self._open()

    def _open(self) -> None:
        reset_peak_memory(self.device)
        self._since = time.monotonic()


def monotonic_seconds(device: torch.device) -> float:
    """The monotonic clock, read after all work submitted to the device is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.monotonic()


def release_cached_memory(device: torch.device) -> None:
    """Release memory that allocators cache from earlier phases, which would count as in use."""
    give_back_freed_memory()
    if device.type == "cuda":
        torch.cuda.empty_cache()


def reset_peak_memory(device: torch.device) -> None:
    """Reset the peak, on Linux and accelerators; elsewhere the process's peak remains."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    with suppress(OSError):  # not Linux, or not permitted in this container
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")


def peak_memory(device: torch.device) -> tuple[int, int | None, int | None]:
    """Peak bytes since the last reset: resident, allocated and reserved on the accelerator."""
    resident = psutil.Process().memory_info().rss
    try:
        for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                resident = max(resident, int(line.split()[1]) * 1024)
    except OSError:
        pass  # not Linux: only the current size is known
    if device.type != "cuda":
        return resident, None, None
    return (
        resident,
        int(torch.cuda.max_memory_allocated(device)),
        int(torch.cuda.max_memory_reserved(device)),
    )
