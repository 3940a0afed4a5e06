"""Costs of training and of a method's step on this machine, measured at small sizes and kept."""

from __future__ import annotations

import importlib.metadata
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from ..bench.worker import Worker
from ..bench.workloads import STUDENT, TESTING, Workload
from ..distilling.registry import METHODS
from ..runs.request import RunRequest
from ..runtime.device import Execution, process_settings_restored
from ..runtime.meters import release_cached_memory
from ..store.store import Store
from .data_shape import DataShape
from .live_bytes import peak_of
from .planned_task import work_of
from .small import (
    SmallSize,
    extrapolated,
    small_request,
    small_shape,
    small_sizes,
)

KIND = "measured"
BATCHES = (16, 64)
"""Mini-batches at which training is measured."""
REPETITIONS = 3
BEGINNING_SECONDS = 1.0
"""Time before a small step: reading random pixels, and a step of each network that it needs."""
FORWARD = 1 / 3
"""The cost of an image in a forward pass alone, as a fraction of one that is trained on."""


@dataclass(frozen=True)
class TrainingCost:
    """The cost of a training step of a network.

    Args:
        seconds_per_image: time for forward, backward and the update.
        bytes_at: memory at each of `BATCHES`, beyond what the process has before.
        testing_bytes: memory for testing images, likewise.
        process_bytes: memory of the process before; 0 if the accelerator's memory counts.
    """

    seconds_per_image: float
    bytes_at: tuple[int, int]
    testing_bytes: int
    process_bytes: int

    def bytes_of(self, batch: int) -> int:
        """Bytes of a step, on the straight line through the two measured points."""
        (few, many), (least, most) = BATCHES, self.bytes_at
        per_image = max(0, most - least) / (many - few)
        return max(0, round(least + per_image * (batch - few)))


@dataclass(frozen=True)
class StepMeasured:
    """The cost of a method's step.

    Args:
        seconds: time of the slowest small step.
        bytes: memory of a whole step beyond what the process has before, predicted from small
            steps.
    """

    seconds: float
    bytes: int


class Measurer:
    """Measures what is not known yet; the rest is found in the store.

    Args:
        request: its folder of runs keeps the results, and its device and threads are used.
        resident: memory of this process before it read any data.
    """

    def __init__(self, request: RunRequest, resident: int) -> None:
        self._resident = resident
        with process_settings_restored():
            self._execution = Execution.start(request.device, request.threads)
        self._store = Store(request.runs_root)
        self._facts = {
            **{k: v for k, v in self._execution.plain().items() if k != "nondeterministic"},
            "ddbench": importlib.metadata.version("ddbench"),
        }

    @property
    def execution(self) -> dict[str, Any]:
        """The device and threads, in plain types."""
        return self._execution.plain()

    @property
    def on_accelerator(self) -> bool:
        """Whether the memory that counts is an accelerator's."""
        return self._execution.device.type != "cpu"

    def training(self, request: RunRequest, shape: DataShape) -> TrainingCost:
        """The cost of training the task's network."""
        identity = {
            **self._about(request, shape),
            "what": "training",
            "batches": list(BATCHES),
        }
        found = self._kept(identity, lambda: self._training(request, shape))
        return TrainingCost(**{**found, "bytes_at": tuple(found["bytes_at"])})

    def step(self, request: RunRequest, shape: DataShape) -> StepMeasured | None:
        """The cost of a step of the method; None for one without steps."""
        choice, ipc = request.method, request.task.ipc
        whole = work_of(choice, request.task, shape)
        if not whole.steps:
            return None
        sizes = small_sizes(choice.settings, shape, ipc)
        found = {size: self._small_step(request, shape, size) for size in sizes}
        told = {size: one["tensor_bytes"] for size, one in found.items()}
        largest = max(found.values(), key=lambda one: one["tensor_bytes"])
        # What the process needs besides tensors, such as scratch memory and gaps between them, is
        # partly chance: its share is taken as measured, and not extrapolated.
        share = largest["process_bytes"] / max(largest["tensor_bytes"], 1)
        held = extrapolated(told, choice.settings, shape, ipc)
        return StepMeasured(max(one["seconds"] for one in found.values()), round(held * share))

    def seconds_to_measure(
        self, request: RunRequest, shape: DataShape, training: TrainingCost
    ) -> float:
        """About how long `step` takes for what is not known yet."""
        total = 0.0
        for size in small_sizes(request.method.settings, shape, request.task.ipc):
            if self._store.find(KIND, self._step_identity(request, shape, size)) is None:
                images = self._images_per_step(request, shape, size)
                total += BEGINNING_SECONDS + 2 * images * training.seconds_per_image
        return total

    def _images_per_step(self, request: RunRequest, shape: DataShape, size: SmallSize) -> float:
        small = small_request(request, shape, size, Path())
        work = work_of(small.method, small.task, small_shape(small))
        return (work.distilling or 0.0) / max(work.steps, 1)

    def _small_step(self, request: RunRequest, shape: DataShape, size: SmallSize) -> dict[str, Any]:
        def measure() -> dict[str, Any]:
            name = request.method.name
            with _worker() as (worker, folder):
                workload = Workload(name, small_request(request, shape, size, folder), 1)
                worker.take(workload)
                tensors = peak_of(workload.parts[0].work)  # loads what is used for the first time
                told = worker.peak(0)
            peak = told["peak_bytes"] or tensors
            return {
                "seconds": told["wall_seconds"],
                # There the backward pass runs in another thread, where it is not counted.
                "tensor_bytes": peak if self.on_accelerator else tensors,
                "process_bytes": peak,
            }

        return self._kept(self._step_identity(request, shape, size), measure)

    def _step_identity(
        self, request: RunRequest, shape: DataShape, size: SmallSize
    ) -> dict[str, Any]:
        choice = small_request(request, shape, size, Path()).method
        return {
            **self._about(request, shape),
            "method": choice.name,
            "version": METHODS[choice.name].version,
            "settings": choice.settings.plain(),
            "classes": size.classes,
            "ipc": size.ipc,
        }

    def _training(self, request: RunRequest, shape: DataShape) -> dict[str, Any]:
        size = SmallSize(2, BATCHES[-1] // 2)
        told, seconds, before = [], 0.0, resident_bytes()
        with _worker() as (worker, folder):
            small = replace(small_request(request, shape, size, folder), budget=request.budget)
            for batch in BATCHES:
                worker.take(Workload(STUDENT, small, batch))
                worker.step(0, 1)
                told.append(worker.peak(0)["peak_bytes"] or 0)
                seconds = min(worker.step(0, 1)["wall_seconds"] for _ in range(REPETITIONS)) / batch
            worker.take(Workload(TESTING, small, batch))
            worker.step(0, 1)
            testing = worker.peak(0)["peak_bytes"] or 0
        release_cached_memory(self._execution.device)
        loaded = max(0, resident_bytes() - before)
        return {
            "seconds_per_image": seconds,
            "bytes_at": told,
            "testing_bytes": testing,
            "process_bytes": 0 if self.on_accelerator else self._resident + loaded,
        }

    def _about(self, request: RunRequest, shape: DataShape) -> dict[str, Any]:
        return {
            **self._facts,
            "model": request.task.model.identity,
            "channels": shape.channels,
            "resolution": shape.resolution,
        }

    def _kept(self, identity: dict[str, Any], make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        found = self._store.find(KIND, identity)
        return found.facts if found is not None else self._store.save(KIND, identity, make()).facts


def resident_bytes() -> int:
    """Resident memory of this process."""
    return int(psutil.Process().memory_info().rss)


@contextmanager
def _worker() -> Iterator[tuple[Worker, Path]]:
    """A worker, and a temporary folder for what it needs."""
    with tempfile.TemporaryDirectory(prefix="ddbench-plan-") as folder, closing(Worker()) as worker:
        yield worker, Path(folder)
