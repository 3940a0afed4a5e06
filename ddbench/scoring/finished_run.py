"""A finished run, as evaluators see it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from ..data.dataset import Dataset
from ..distilling.distilled_set import DistilledSet
from ..distilling.loop import Distillation, distil
from ..distilling.method_choice import MethodChoice
from ..distilling.task import TaskSpec
from ..models.model import Model
from ..models.spec import ModelSpec
from ..records.cost import Phase, PhaseCost
from ..runtime.progress import Progress
from ..runtime.randomness import RandomStream
from ..runtime.tracking import NetworkScored
from ..training.budget import Budget
from ..training.lab import Lab
from ..training.recipe import TrainingRecipe
from .curves import Curve, curve_of_student
from .label_costs import LabelCost, label_cost
from .labels import label_teacher
from .parallel import Work, processes_for, scores_in_flight, worth_starting
from .protocols import Protocol
from .students import Score, known_score, score_student, score_whole
from .training_sets import TrainingSet, merged_training_set, training_set


@dataclass
class FinishedRun:
    """A distilled set with its control, ready to be scored.

    Args:
        task: the task of the set.
        budget: scales the training done by evaluators.
        protocols: the protocols under which the set is scored.
        subjects: the sets by name: the method's first, then the control's.
        whole: whether networks trained on all real data are scored, too.
        lab: the lab in which students are trained.
        costs: cost of each phase of making the set; only `DATA` for a set made elsewhere.
        method: the method that made the set; None for a set made elsewhere.
        control: the method that made the control, if there is one.
        making: the distillation of the set; None for a set made elsewhere.
        scored: all scores and curves so far by key, from which the cost of scoring is summed.
    """

    task: TaskSpec
    budget: Budget
    protocols: tuple[Protocol, ...]
    subjects: dict[str, DistilledSet]
    whole: bool
    lab: Lab
    costs: dict[Phase, PhaseCost] = field(default_factory=dict)
    method: MethodChoice | None = None
    control: MethodChoice | None = None
    making: Distillation | None = None
    scored: dict[str, Score | Curve] = field(default_factory=dict)
    _training_sets: dict[tuple[str, str], TrainingSet] = field(default_factory=dict)

    @property
    def distilled(self) -> DistilledSet:
        """The set that is measured."""
        return next(iter(self.subjects.values()))

    @property
    def progress(self) -> Progress:
        """The run's console and log."""
        return self.lab.runtime.progress

    @property
    def dataset(self) -> Dataset:
        """The real data; its test split is unlocked while evaluators run."""
        return self.lab.dataset

    @property
    def data_root(self) -> Path:
        """The folder of datasets."""
        return self.dataset.source.root

    @property
    def device_type(self) -> str:
        """The type of device on which networks are trained: "cpu", "cuda", …."""
        return self.lab.runtime.execution.device.type

    @property
    def device_name(self) -> str:
        """The name of the accelerator or the processor."""
        return self.lab.runtime.execution.device_name

    @property
    def threads(self) -> int:
        """Number of torch's CPU threads."""
        return self.lab.runtime.execution.threads

    @property
    def split(self) -> str:
        """The real images that students are scored on: "test", or "validation" if held out."""
        return self.dataset.scored_name

    def distil(
        self, *, group: int | None = None, ipc: int | None = None, control: bool = False
    ) -> Distillation:
        """The same method's set for another group or ipc, from the store or distilled now.

        Args:
            group: group; by default the run's.
            ipc: images per class; by default the run's.
            control: whether to make the control's set instead of the method's.

        Raises:
            ValueError: if the set was made elsewhere, or there is no control.
            MethodSkips: if the method cannot do that task.
        """
        choice = self.control if control else self.method
        if choice is None:
            raise ValueError("a set that was made elsewhere cannot be distilled again")
        task = replace(
            self.task,
            group=self.task.group if group is None else group,
            ipc=self.task.ipc if ipc is None else ipc,
            class_counts=self.task.class_counts if ipc is None else None,
        )
        with self.lab.dataset.locked():
            return distil(choice.for_ipc(task.ipc), task, self.lab)

    def training_set(self, subject: str, protocol: Protocol) -> TrainingSet:
        """The training set of a subject's students under a protocol.

        Raises:
            NotScorable: if the subject lacks what the protocol needs.
        """
        place = (subject, protocol.label)
        if place not in self._training_sets:
            own = self.subjects[subject]
            like = None if own is self.distilled else self.distilled
            self._training_sets[place] = training_set(
                own, protocol, self.budget, self.lab, self.task.ipc, like
            )
        return self._training_sets[place]

    def label_teacher(self) -> Model:
        """The frozen network of the task's model that labels images under some protocols."""
        return label_teacher(self.lab, self.budget)

    def label_cost(self, protocol: Protocol) -> LabelCost:
        """The storage cost of the students' labels under a protocol; no teacher is trained.

        Raises:
            NotScorable: if the set lacks what the protocol needs.
        """
        return label_cost(self.distilled, protocol, self.budget, self.lab, self.task.ipc)

    def new_network(self, model: ModelSpec) -> Model:
        """A network of an architecture with arbitrary weights, for inspection, on the CPU.

        Raises:
            UserError: if the architecture cannot take the images.
        """
        return self.lab_of(model).new_network(RandomStream(0)).cpu()

    def lab_of(self, model: ModelSpec) -> Lab:
        """A lab with the same data and another model."""
        return self.lab if model == self.lab.model else self.lab.with_model(model)

    def scores(
        self,
        subject: str,
        protocol: Protocol,
        networks: int | None = None,
        model: ModelSpec | None = None,
        recipe: TrainingRecipe | None = None,
    ) -> list[Score]:
        """The scores of evaluation networks on a subject, from the store where known.

        Args:
            subject: name of a set.
            protocol: the protocol, which determines the labels; they come from networks of the
                task's model, whatever the student's model is.
            networks: number of networks; None: the budget's.
            model: model of the students; None: the task's.
            recipe: training recipe; None: the protocol's, at the budget.

        Raises:
            NotScorable: if the subject lacks what the protocol needs.
        """
        learnt = self.training_set(subject, protocol)
        if recipe is not None:
            learnt = replace(learnt, recipe=recipe)
        lab = self.lab if model is None else self.lab_of(model)
        title = f"{subject} {protocol.label}"
        if lab is not self.lab:
            title = f"{lab.model.label} on {title}"
        return self._scores(lab, learnt, protocol, title, networks or self.budget.networks)

    def _scores(
        self, lab: Lab, learnt: TrainingSet, protocol: Protocol, title: str, networks: int
    ) -> list[Score]:
        """The scores of evaluation networks on a training set, in parallel if it is worth it."""

        def work(index: int) -> Work:
            named = f"{title} network {index + 1}/{networks}"
            return partial(
                score_student, training_set=learnt, protocol=protocol, index=index, title=named
            )

        known = [known_score(lab, learnt, protocol, index) for index in range(networks)]
        missing = [index for index, score in enumerate(known) if score is None]
        processes = processes_for(lab, learnt, networks) if missing else 1
        if processes > 1:
            jobs = [(work(index), lab.model) for index in missing]
            with self.progress.phase(f"{title}, {processes} at once", len(missing)) as phase:
                new = scores_in_flight(lab, jobs, processes, phase.advance)
        else:
            new = [work(index)(lab) for index in missing]
        made = dict(zip(missing, new, strict=True))
        scores = [score or made[index] for index, score in enumerate(known)]
        for index, score in enumerate(scores):
            self._note(score, title, index)
        return scores

    def curves(self, subject: str, protocol: Protocol, points: int) -> list[Curve]:
        """The accuracy of every evaluation network on a subject during training.

        Networks are trained one after another in this process, so their seconds are comparable.

        Args:
            subject: name of a set.
            protocol: the protocol.
            points: most epochs after which a network is tested; the last is the end of training.

        Raises:
            NotScorable: if the subject lacks what the protocol needs.
        """
        learnt, networks = self.training_set(subject, protocol), self.budget.networks
        curves = []
        for index in range(networks):
            title = f"{subject} {protocol.label} curve {index + 1}/{networks}"
            curve = curve_of_student(self.lab, learnt, protocol, index, title, points)
            self.scored[curve.key] = curve
            curves.append(curve)
        return curves

    def _note(self, score: Score, title: str, network: int) -> None:
        """Keep a score, so that its cost counts as scoring, and notify the trackers."""
        self.scored[score.key] = score
        told = NetworkScored(title, network, score.accuracy)
        self.lab.runtime.tell(lambda tracker: tracker.scored(told))

    def score_models(
        self, work: Work, models: Sequence[ModelSpec], title: str, processes: int = 1
    ) -> list[Score]:
        """The scores of other architectures, in the given order.

        Args:
            work: what to do in each architecture's lab, such as `score_student` with its other
                arguments bound.
            models: the architectures.
            title: title of the progress line.
            processes: number of parallel processes, which share this one's threads; they are
                started once the remaining work takes long enough. 1: this process only.
        """
        scores: list[Score] = []
        with self.progress.phase(title, len(models)) as phase:
            for model in models:
                if processes > 1 and worth_starting(scores, len(models) - len(scores)):
                    break
                scores.append(work(self.lab_of(model)))
                phase.advance(len(scores))
            known = len(scores)
            if known < len(models):
                jobs = [(work, model) for model in models[known:]]
                scores += scores_in_flight(
                    self.lab, jobs, processes, lambda n: phase.advance(known + n)
                )
        for number, score in enumerate(scores):
            self._note(score, title, number)
        return scores

    def score_whole(
        self, index: int, model: ModelSpec | None = None, epochs: int | None = None
    ) -> Score:
        """The score of network `index` trained on all real training images.

        Args:
            index: index of the network.
            model: architecture, if not the task's.
            epochs: number of epochs, if not that of the teacher recipe at the budget.
        """
        lab = self.lab if model is None else self.lab_of(model)
        score = score_whole(lab, self.budget, index, epochs)
        self._note(score, f"{lab.model.label} on all real data", index)
        return score

    def score_union(
        self,
        name: str,
        sets: Sequence[DistilledSet],
        protocol: Protocol,
        likes: Sequence[DistilledSet] = (),
    ) -> list[Score]:
        """The score of every evaluation network on the union of sets.

        Args:
            name: name of the union, for the progress line.
            sets: one or more sets.
            protocol: the protocol.
            likes: if `sets` are controls, the sets that they are controls of, in the same order.

        Raises:
            NotScorable: if a set lacks what the protocol needs.
        """
        union = merged_training_set(sets, protocol, self.budget, self.lab, likes)
        title = f"{name} {protocol.label}"
        return self._scores(self.lab, union, protocol, title, self.budget.networks)
