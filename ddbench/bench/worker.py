"""Measures one workload: time, memory and the floor, as plain values that can be sent."""

from __future__ import annotations

import ctypes
import gc
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch

from ..runtime.meters import monotonic_seconds, peak_memory, reset_peak_memory
from .floor import Floor, calls_of, operations_of
from .workloads import Part, Workload, request_for

Plain = dict[str, Any]


class Worker:
    """Measures work in this process; one `workload` is open at a time."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="ddbench-bench-")
        self.workload: Workload | None = None
        self._floors: dict[int, Floor] = {}
        gc.collect()
        gc.freeze()  # existing objects, which stay, are not scanned again

    def close(self) -> None:
        """Release what is open, and remove the networks that were made for it."""
        self._release()
        gc.unfreeze()
        self._folder.cleanup()

    def open(self, name: str, words: Sequence[str], batch: int) -> Plain:
        """Prepare a workload.

        Returns:
            its parts with their images, the device, and the number of threads.

        Raises:
            UserError: as `Workload`.
        """
        self._release()
        return self.take(Workload(name, request_for(name, words, Path(self._folder.name)), batch))

    def take(self, workload: Workload) -> Plain:
        """Measure this workload from now on; returns what `open` returns."""
        self._release()
        self.workload = workload
        parts = [{"which": part.which, "images": part.images} for part in self.workload.parts]
        return {
            "parts": parts,
            "device": self.workload.device.type,
            "threads": torch.get_num_threads(),
        }

    def trace(self, part: int) -> Plain:
        """Do a part once, as a warm-up, and record its convolutions and matrix products.

        Parts are traced in order, before they are measured. If the first step's images have
        diverged too far for a second step, the second has no operations.
        """
        self._part(part).reset()
        try:
            calls = calls_of(self._part(part).work)
        except FloatingPointError:
            if part == 0:
                raise
            calls = []
        self._floors[part] = Floor(calls)
        return {"calls": len(calls), "operations": operations_of(calls)}

    def peak(self, part: int) -> Plain:
        """The cost of doing a part once, after the process has returned its free memory.

        Returns:
            peak bytes beyond what the process had before, None if unknown; bytes that stay until
            the next time, None if nothing does; and seconds.
        """
        assert self.workload is not None
        device, one = self.workload.device, self._part(part)
        one.reset()
        gc.collect()
        _give_back_memory()
        reset_peak_memory(device)
        before = _bytes(device)
        told = self._timed(one.work, 1)
        peak = None if before is None else max(0, (_bytes(device) or 0) - before)
        return {"peak_bytes": peak, "kept_bytes": one.kept() if one.kept else None, **told}

    def step(self, part: int, times: int) -> Plain:
        """Seconds of doing a part, averaged over so many times."""
        one = self._part(part)
        one.reset()
        return self._timed(one.work, times)

    def floor(self, part: int, times: int) -> Plain:
        """Seconds of the convolutions and matrix products of a part alone."""
        return self._timed(self._floors[part], times)

    def _part(self, part: int) -> Part:
        assert self.workload is not None
        return self.workload.parts[part]

    def _timed(self, work: Callable[[], Any], times: int) -> Plain:
        assert self.workload is not None
        self.workload.check_stop()
        device = self.workload.device
        faults = _page_faults()
        begun, computed = monotonic_seconds(device), time.process_time()
        for _ in range(times):
            work()
        wall = monotonic_seconds(device) - begun
        return {
            "wall_seconds": wall / times,
            "processor_seconds": (time.process_time() - computed) / times,
            "page_faults": (_page_faults() - faults) / times,
        }

    def _release(self) -> None:
        self._floors = {}
        if self.workload is not None:
            self.workload.close()
            self.workload = None
        gc.collect()


def _page_faults() -> int:
    """The number of minor page faults of the process so far; always 0 on Windows."""
    if sys.platform == "win32":
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def _bytes(device: torch.device) -> int | None:
    """Peak memory since the last reset: of the accelerator's tensors, else of the resident set.

    None if the operating system cannot reset the peak.
    """
    resident, allocated, _ = peak_memory(device)
    if allocated is not None:
        return allocated
    return resident if sys.platform == "linux" else None


def _give_back_memory() -> None:
    """Make the C library return the memory that it keeps, or a step would seem to need none."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
