"""How fast a method was in finished runs on this machine."""

from __future__ import annotations

import statistics
from pathlib import Path
from typing import Any

from ..distilling.registry import METHODS
from ..distilling.task import TaskSpec
from ..errors import UserError
from ..plugins.settings import typed_settings
from ..records.cost import DISTIL
from ..records.record import Record
from ..runs.request import RunRequest
from .data_shape import DataShape
from .planned_task import PlannedTask

MOST = 20
"""The most records that are read, newest first."""


def seconds_per_image(
    root: Path, request: RunRequest, shape: DataShape, execution: dict[str, Any]
) -> float | None:
    """Seconds per image passed through networks in distilling, from finished runs.

    The median over runs of the same method, dataset and model with the same device and number of
    threads; None if there are none.

    Args:
        root: the folder of runs.
        request: a request with that method, dataset and model.
        shape: the shape of its data.
        execution: device_name and threads of this process.
    """
    pattern = f"{request.method.name}-{request.task.lab.shown_name}-*/record.json"
    files = sorted(root.glob(pattern), key=lambda file: file.stat().st_mtime, reverse=True)
    rates = [_rate(file, request, shape, execution) for file in files[:MOST]]
    known = [rate for rate in rates if rate]
    return statistics.median(known) if known else None


def _rate(
    file: Path, request: RunRequest, shape: DataShape, execution: dict[str, Any]
) -> float | None:
    try:
        record = Record.load(file)
    except UserError:
        return None  # damaged, or of another version
    told = record.environment.model_dump()
    if any(told.get(name) != execution[name] for name in ("device_name", "threads")):
        return None
    method, task = METHODS[record.method.name], record.task
    if task.model.settings != request.task.model.settings:
        return None
    try:
        settings = typed_settings(method.Settings, record.method.values, "method")
        spec = TaskSpec(request.task.lab, task.ipc, class_counts=task.class_counts)
        passes = method(PlannedTask(spec, shape), settings).image_passes()
    except UserError:
        return None
    seconds = sum(cost.wall_seconds for cost in record.costs if cost.phase == DISTIL.name)
    return seconds / passes.distilling if passes and passes.distilling else None
