"""Estimating the time of the published computation from the speed of a smaller run."""

from __future__ import annotations

from ..distilling.registry import METHODS
from ..distilling.task import Task
from ..records.cost import DATA, DISTIL, INPUT_SPACE, SCORE, Phase, PhaseCost
from ..scoring.protocols import LABEL_TEACHER
from ..training.budget import Budget
from ..training.lab import Lab
from .request import RunRequest

NOT_TRAINED = (DATA, INPUT_SPACE, DISTIL)
LABEL_TEACHER_NETWORKS = Phase("label-teacher", "scored")
WHOLE_NETWORKS = Phase("whole", "scored")


def paper_seconds(request: RunRequest, lab: Lab, costs: dict[Phase, PhaseCost]) -> float | None:
    """Estimated seconds of `budget=paper` here; None if the method gives no `image_passes`.

    Each phase is scaled by the number of images passed through networks, so the estimate is
    accurate as far as an image costs the same in both runs.

    Args:
        request: request of the run that was measured.
        lab: lab of that run.
        costs: cost of its phases.
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
    teachers = [phase for phase in costs if phase.stage == "made" and phase not in NOT_TRAINED]
    stretch = dict.fromkeys(teachers, then.training / max(now.training, 1))
    stretch[DISTIL] = then.distilling / max(now.distilling, 1)
    epochs = LABEL_TEACHER.epochs / request.budget.teacher_recipe(LABEL_TEACHER, images).epochs
    stretch[LABEL_TEACHER_NETWORKS] = epochs
    stretch[WHOLE_NETWORKS] = epochs * paper.whole_networks / request.budget.whole_networks
    stretch[SCORE] = paper.networks / request.budget.networks / request.budget.evaluation
    return sum(cost.wall_seconds * stretch.get(phase, 1) for phase, cost in costs.items())
