"""A finished set with its control, and the measurements of all evaluators."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..distilling.distilled_set import DistilledSet
from ..distilling.loop import Distillation, distil
from ..distilling.merging import with_counts_of
from ..figures import png
from ..records.cost import Phase, PhaseCost
from ..records.measurement import Measurement
from ..scoring.evaluator import Evaluator
from ..scoring.finished_run import FinishedRun
from ..scoring.registry import EVALUATORS
from ..store.files import write_bytes
from ..training.lab import Lab
from .request import RunRequest


def finished_run(
    request: RunRequest,
    lab: Lab,
    name: str,
    distilled: DistilledSet,
    costs: dict[Phase, PhaseCost],
    making: Distillation | None = None,
) -> tuple[FinishedRun, Distillation | None]:
    """A set with its control, ready to be scored, and the control as it was made.

    Args:
        request: names the control, protocols and budget.
        lab: the lab in which students are trained.
        name: the set's name next to its control.
        distilled: the set.
        costs: the cost of making it.
        making: the distillation that made it; None for a set made elsewhere.
    """
    subjects, control = {name: distilled}, None
    if request.control is not None:
        control = distil(request.control, request.task, lab)
        beside = with_counts_of(control.distilled, distilled)
        subjects[request.control.name] = beside
    finished = FinishedRun(
        task=request.task,
        budget=request.budget,
        protocols=request.protocols,
        subjects=subjects,
        whole=request.whole,
        lab=lab,
        costs=dict(costs),
        method=None if making is None else request.method,
        making=making,
        control=request.control,
    )
    return finished, control


def evaluate_all(
    request: RunRequest, finished: FinishedRun, folder: Path
) -> tuple[list[Measurement], dict[str, Any]]:
    """The measurements of all requested evaluators, and the recorded facts of each evaluator.

    Args:
        request: names the evaluators.
        finished: what they measure.
        folder: destination of each evaluator's figure, `<evaluator>.png`.
    """
    measurements: list[Measurement] = []
    told: dict[str, Any] = {}
    for name, settings in request.evaluators.items():
        evaluator: Evaluator = EVALUATORS[name](settings)
        told[name] = {"version": evaluator.version, "settings": settings.plain()}
        reason = evaluator.skip(finished)
        if reason:
            finished.progress.say(f"evaluator {name} skips: {reason}")
            told[name]["skipped"] = reason
        else:
            measured = evaluator.evaluate(finished)
            measurements += measured
            figure = evaluator.figure(measured)
            if figure is not None:
                write_bytes(folder / f"{name}.png", png(figure))
    return measurements, told
