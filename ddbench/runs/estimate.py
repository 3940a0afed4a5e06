"""What the published computation would take, estimated from the rates of a smaller run."""

from __future__ import annotations

from ..distilling.registry import METHODS
from ..distilling.task import Task
from ..records.cost import PhaseCost
from ..scoring.protocols import LABEL_TEACHER
from ..training.budget import Budget
from ..training.lab import Lab
from .request import RunRequest

MADE_BY_METHOD = ("teachers", "experts")
MADE_BY_HARNESS = ("label-teacher", "whole")


def paper_seconds(request: RunRequest, lab: Lab, costs: dict[str, PhaseCost]) -> float | None:
    """Seconds that `budget=paper` would take here; None where the method cannot tell.

    Each phase is stretched by the images that go through networks in it, so the figure holds to
    the extent that an image costs the same in both.

    Args:
        request: of the run that was measured.
        lab: of that run.
        costs: its phases.
    """
    method = METHODS[request.method.name]
    published = request.method.as_published()
    paper = Budget()
    task = Task(request.task, lab)
    now = method(task, request.method.settings).image_passes()
    then = method(task, published.settings).image_passes()
    if now is None or then is None:
        return None
    images = len(lab.dataset.train)
    stretch = dict.fromkeys(MADE_BY_METHOD, then.training / max(now.training, 1))
    stretch["distil"] = then.distilling / max(now.distilling, 1)
    epochs = LABEL_TEACHER.epochs / request.budget.teacher_recipe(LABEL_TEACHER, images).epochs
    stretch |= dict.fromkeys(MADE_BY_HARNESS, epochs)
    stretch["whole"] *= paper.whole_networks / request.budget.whole_networks
    stretch["score"] = paper.networks / request.budget.networks / request.budget.evaluation
    return sum(cost.wall_seconds * stretch.get(name, 1) for name, cost in costs.items())
