"""A finished run, as evaluators see it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from .budget import Budget
from .distilled import DistilledSet
from .distilling import Distillation, distil
from .lab import Lab
from .meters import PhaseCost
from .progress import Progress
from .resolution import MethodChoice
from .scoring.protocols import Protocol
from .scoring.students import Score, evaluated_split, score_student, score_whole
from .scoring.subjects import TrainingSet, training_set
from .task import TaskSpec


@dataclass
class FinishedRun:
    """A distilled set with its control, ready to be scored.

    Args:
        task: what it was made for.
        budget: scales what evaluators train.
        protocols: under which it is scored.
        subjects: the distilled sets by name: the method's own first, then the control's.
        whole: whether networks trained on all real data are wanted, too.
        costs: of each phase of making it, by name; only `data` for a set made elsewhere.
        method: what made the set, for a set that the harness made.
        making: how it was made, for a set that the harness made.
        scored: every score so far by its key, from which the cost of scoring is summed.
    """

    task: TaskSpec
    budget: Budget
    protocols: tuple[Protocol, ...]
    subjects: dict[str, DistilledSet]
    whole: bool
    lab: Lab
    costs: dict[str, PhaseCost] = field(default_factory=dict)
    method: MethodChoice | None = None
    making: Distillation | None = None
    scored: dict[str, Score] = field(default_factory=dict)
    _training_sets: dict[tuple[str, str], TrainingSet] = field(default_factory=dict)

    @property
    def distilled(self) -> DistilledSet:
        """The set that is measured."""
        return next(iter(self.subjects.values()))

    @property
    def progress(self) -> Progress:
        """Where news go."""
        return self.lab.context.progress

    @property
    def split(self) -> str:
        """The real images that students are scored on: "test", or "validation" if held out."""
        return evaluated_split(self.lab)

    def distil(self, *, group: int | None = None, ipc: int | None = None) -> Distillation:
        """The same method's set for another group or ipc, from the store or made in place.

        Raises:
            ValueError: for a set that the harness did not make.
            MethodSkips: when the method cannot do that task.
        """
        if self.method is None:
            raise ValueError("a set that was made elsewhere cannot be distilled again")
        task = replace(
            self.task,
            group=self.task.group if group is None else group,
            ipc=self.task.ipc if ipc is None else ipc,
        )
        with self.lab.dataset.locked():
            return distil(self.method.for_ipc(task.ipc), task, self.lab)

    def training_set(self, subject: str, protocol: Protocol) -> TrainingSet:
        """What students of a subject learn from under a protocol.

        Raises:
            NotScorable: when the subject lacks what the protocol needs.
        """
        place = (subject, protocol.label)
        if place not in self._training_sets:
            own = self.subjects[subject]
            like = None if own is self.distilled else self.distilled
            self._training_sets[place] = training_set(
                own, protocol, self.budget, self.lab, self.task.ipc, like
            )
        return self._training_sets[place]

    def score(self, subject: str, protocol: Protocol, index: int) -> Score:
        """The score of evaluation network `index` on a subject, from the store if known."""
        title = f"{subject} {protocol.label} network {index + 1}/{self.budget.networks}"
        score = score_student(
            self.lab, self.training_set(subject, protocol), protocol, index, title
        )
        self.scored[score.key] = score
        return score

    def score_whole(self, index: int) -> Score:
        """The score of network `index` trained on all real training images."""
        score = score_whole(self.lab, self.budget, index)
        self.scored[score.key] = score
        return score
