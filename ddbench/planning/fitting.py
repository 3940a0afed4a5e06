"""Make a run fit into its memory budget, or say that it does not."""

from __future__ import annotations

from dataclasses import replace

from ..errors import UserError
from ..plugins.settings import StepCost
from ..records.units import size
from ..runs.overrides import as_text
from ..runs.request import RunRequest
from ..runtime.progress import Progress
from .data_shape import data_shape
from .estimate import Estimate, estimates
from .measured import Measurer, resident_bytes
from .small import chunks_to_try, settings_of_cost


def fitted(request: RunRequest, quiet: bool = False) -> RunRequest:
    """The request with the largest chunks for which no phase exceeds its memory budget.

    The settings of a method whose cost is `StepCost.chunk` are halved until it fits. The
    measurements behind the choice are kept in the folder of runs, so that a repetition makes the
    same choice.

    Args:
        request: the request of a run.
        quiet: write nothing to the console.

    Raises:
        UserError: if it does not fit, with the bytes that it needs.
    """
    if request.memory_budget is None:
        return request
    resident = resident_bytes()
    shape = data_shape(request.task.lab, request.data_root)
    images = sum(request.task.class_counts or (request.task.ipc,) * shape.classes)
    measurer = Measurer(request, resident)
    training = measurer.training(request, shape)
    smallest: tuple[RunRequest, Estimate] | None = None
    for settings in chunks_to_try(request.method.settings, images):
        tried = _with_settings(request, settings)
        step = measurer.step(tried, shape)
        phases = estimates(tried, shape, training, step, None)
        largest = max(phases, key=lambda phase: phase.peak_bytes or 0)
        peak = largest.peak_bytes or 0
        if peak <= request.memory_budget:
            Progress(quiet=quiet).say(f"memory: about {size(peak)}{_chosen(request, tried)}")
            return tried
        if smallest is None or peak < (smallest[1].peak_bytes or 0):
            smallest = tried, largest
        if largest.made is not tried.method:
            break  # smaller chunks of the method do not change the phase that is too large
    assert smallest is not None
    tried, largest = smallest
    raise UserError(
        f"memory_budget={size(request.memory_budget)}: the phase {largest.phase.name} of this run "
        f"needs about {size(largest.peak_bytes or 0)}{_chosen(request, tried)}"
    )


def _with_settings(request: RunRequest, settings: object) -> RunRequest:
    """The request with other settings of its method; the memory budget is their source."""
    method = request.method
    changed = [
        name
        for name, value in settings_of_cost(settings, StepCost.chunk).items()
        if value != getattr(method.settings, name)
    ]
    sources = {**method.sources, **dict.fromkeys(changed, "memory_budget")}
    return replace(request, method=replace(method, settings=settings, sources=sources))


def _chosen(request: RunRequest, tried: RunRequest) -> str:
    chunks = settings_of_cost(tried.method.settings, StepCost.chunk)
    before = settings_of_cost(request.method.settings, StepCost.chunk)
    told = [f"method.{k}={as_text(v)}" for k, v in chunks.items() if v != before[k]]
    return f", with {' '.join(told)}" if told else ""
