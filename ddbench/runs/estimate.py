"""What the published computation would take, estimated from the rates of a smaller run."""

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
    teachers = [phase for phase in costs if phase.stage == "made" and phase not in NOT_TRAINED]
    stretch = dict.fromkeys(teachers, then.training / max(now.training, 1))
    stretch[DISTIL] = then.distilling / max(now.distilling, 1)
    epochs = LABEL_TEACHER.epochs / request.budget.teacher_recipe(LABEL_TEACHER, images).epochs
    stretch[LABEL_TEACHER_NETWORKS] = epochs
    stretch[WHOLE_NETWORKS] = epochs * paper.whole_networks / request.budget.whole_networks
    stretch[SCORE] = paper.networks / request.budget.networks / request.budget.evaluation
    return sum(cost.wall_seconds * stretch.get(phase, 1) for phase, cost in costs.items())
