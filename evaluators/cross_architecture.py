"""Accuracy of students of architectures other than the one that the set was made with."""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from torch import nn

from ddbench import (
    Evaluator,
    EvaluatorSettings,
    FinishedRun,
    Measurement,
    Model,
    NotScorable,
    TrainingRecipe,
    UserError,
    setting,
)
from ddbench.models.spec import ModelSpec, check_model_name, model_named
from ddbench.scoring.protocols import Protocol
from ddbench.scoring.students import Score

from ._transfer_figure import heat_map
from ._transfer_rates import transfer_rate
from .accuracy import AT_CHANCE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAPER_TARGETS = ["vgg11", "resnet18", "vit"]
COMPARED = (
    "transfer_accuracy",
    "transfer_mean",
)  # with the control's; the worst targets may differ
Where = dict[str, str | int | float]


@dataclass(frozen=True)
class _Student:
    """An architecture on which sets are scored.

    Args:
        name: as it was asked for; the source's label.
        spec: the model.
        source: whether it is the one that the set was made with.
        network: an instance, for inspection; None if it cannot take the images.
        reason: why not.
    """

    name: str
    spec: ModelSpec
    source: bool
    network: Model | None
    reason: str = ""

    @property
    def adaptation(self) -> str:
        """What was changed in it for these images, in words."""
        changed = self.network.adaptation if self.network else ""
        return f"{self.name}: {changed}" if changed else ""


class CrossArchitecture(Evaluator):
    """How well a set trains networks it was not made with (Table 2 of the APM paper).

    Networks of each target architecture are trained on the set and on its control under every
    protocol of the run that can score them: with the protocol's labels (a label teacher has the
    source architecture), loss, epochs and augmentation at the run's budget, and a learning rate
    that is frozen for each architecture and loss. The source architecture keeps the protocol's own
    rate, so that its scores are those of the task. Only the last step is scored.

    Measured for each architecture: accuracy, and its difference from the control's on the same
    networks; over the targets: mean and worst accuracy, and the transfer gap, which is the source's
    accuracy less the mean of the targets'.
    """

    version = 2
    small = ("targets=[mlp]",)

    @dataclass
    class Settings(EvaluatorSettings):
        """Settings of the evaluator."""

        targets: list[str] = setting(
            PAPER_TARGETS,
            "architectures to transfer to: names of models, or timm:NAME for any network of timm",
        )
        networks: int = setting(0, "networks per architecture; 0: those of the budget", low=0)
        trial_rate: float | None = setting(
            None,
            "learning rate on trial for all targets, instead of the frozen ones; only with "
            "validation above 0",
            above=0,
        )

        def __post_init__(self) -> None:
            super().__post_init__()
            if not self.targets:
                raise UserError("targets=[]: name at least one, such as targets=[resnet18]")
            for target in self.targets:
                check_model_name(target)
            self.targets = list(dict.fromkeys(self.targets))

    settings: Settings

    def skip(self, run: FinishedRun) -> str | None:
        if self.settings.trial_rate is not None and run.split == "test":
            raise UserError(
                f"trial_rate={self.settings.trial_rate}: a rate is tried on held-out images alone; "
                "add validation=0.1"
            )
        return None

    def evaluate(self, run: FinishedRun) -> list[Measurement]:
        """Accuracies as fractions of the scored split."""
        students = list(self._students(run))
        for adaptation in filter(None, (student.adaptation for student in students)):
            run.progress.say(f"adapted {adaptation}")
        total = len(run.protocols) * len(students) * len(run.subjects)
        measurements: list[Measurement] = []
        with run.progress.phase("transfer", total) as phase:
            for place, protocol in enumerate(run.protocols):
                measurements += self._under(run, protocol, students)
                phase.advance((place + 1) * len(students) * len(run.subjects))
        return measurements

    def figure(self, measurements: Sequence[Measurement]) -> Figure | None:
        return heat_map(measurements)

    def _students(self, run: FinishedRun) -> Iterator[_Student]:
        """The source first, then each target."""
        model = run.task.model
        yield _Student(model.label, model, True, run.new_network(model))
        device = run.device_type
        for name in self.settings.targets:
            spec = model_named(name, device)
            if spec == model:
                continue
            try:
                network = run.new_network(spec)
            except UserError as refusal:
                yield _Student(name, spec, False, None, str(refusal))
            else:
                yield _Student(name, spec, False, network)

    def _under(
        self, run: FinishedRun, protocol: Protocol, students: Sequence[_Student]
    ) -> list[Measurement]:
        """All measurements under one protocol."""
        measurements: list[Measurement] = []
        accuracies: dict[str, dict[str, list[float]]] = {}
        where: Where = {"protocol": protocol.label, "split": run.split}
        for subject in run.subjects:
            try:
                run.training_set(subject, protocol)
            except NotScorable as reason:
                note = str(reason)
                place = {**where, "subject": subject}
                measurements.append(
                    Measurement("transfer_accuracy", None, "fraction", (), place, note)
                )
                continue
            own = accuracies[subject] = {}
            for student in students:
                one = self._accuracy(run, protocol, subject, student, where)
                measurements.append(one)
                if one.value is not None:
                    own[student.name] = list(one.values)
        source, *targets = (student.name for student in students if student.network)
        summaries = {subject: _summary(own, source, targets) for subject, own in accuracies.items()}
        for subject, values in summaries.items():
            place = {**where, "subject": subject, "targets": len(targets)}
            measurements += [
                Measurement(f"transfer_{name}", statistics.fmean(each), "fraction", each, place)
                for name, each in values.items()
            ]
        return measurements + _differences(measurements, list(run.subjects))

    def _accuracy(
        self,
        run: FinishedRun,
        protocol: Protocol,
        subject: str,
        student: _Student,
        where: Where,
    ) -> Measurement:
        recipe = self._recipe(run.training_set(subject, protocol).recipe, student)
        place: Where = {
            "architecture": student.name,
            "role": "source" if student.source else "target",
            "learning_rate": recipe.learning_rate,
            **where,
            "subject": subject,
        }
        reason = student.reason or _too_small_a_batch(student, run, subject, recipe)
        if reason:
            return Measurement("transfer_accuracy", None, "fraction", (), place, reason)
        scores = run.scores(subject, protocol, self.settings.networks, student.spec, recipe)
        values = tuple(score.accuracy for score in scores)
        mean = statistics.fmean(values)
        flags = _flags(scores, mean, 1 / run.distilled.classes, place)
        note = "; ".join(filter(None, (student.adaptation, *flags)))
        return Measurement("transfer_accuracy", mean, "fraction", values, place, note)

    def _recipe(self, recipe: TrainingRecipe, student: _Student) -> TrainingRecipe:
        if student.source:
            return recipe
        rate = self.settings.trial_rate or transfer_rate(student.spec, recipe)
        return replace(recipe, learning_rate=rate)


def _summary(
    own: dict[str, list[float]], source: str, targets: Sequence[str]
) -> dict[str, tuple[float, ...]]:
    """Mean and worst over the targets and the transfer gap, network by network."""
    rows = [own[target] for target in targets if target in own]
    if not rows:
        return {}
    means = tuple(statistics.fmean(column) for column in zip(*rows, strict=True))
    worst = min(rows, key=statistics.fmean)
    values = {"mean": means, "worst": tuple(worst)}
    if source in own:
        values["gap"] = tuple(a - b for a, b in zip(own[source], means, strict=True))
    return values


def _differences(measurements: Sequence[Measurement], subjects: list[str]) -> list[Measurement]:
    """The set less its control on the same networks."""
    if len(subjects) != 2:
        return []
    subject, control = subjects
    found = {_key(one): one for one in measurements}
    differences = []
    for one in measurements:
        other = found.get(_key(one, control))
        wanted = one.metric in COMPARED and one.coordinates["subject"] == subject
        if not wanted or other is None or one.value is None or other.value is None:
            continue
        paired = tuple(a - b for a, b in zip(one.values, other.values, strict=True))
        place = {**one.coordinates, "control": control}
        name = f"{one.metric}_difference"
        value = statistics.fmean(paired)
        on = one.coordinates.get("architecture", "the mean of the targets")
        note = f"{subject} is below {control} on {on} under {one.coordinates['protocol']}"
        note = note if value < 0 else ""
        differences.append(Measurement(name, value, one.unit, paired, place, note))
    return differences


def _key(one: Measurement, subject: str | None = None) -> tuple[object, ...]:
    place = {**one.coordinates, **({"subject": subject} if subject else {})}
    return (one.metric, *sorted(place.items()))


def _too_small_a_batch(
    student: _Student, run: FinishedRun, subject: str, recipe: TrainingRecipe
) -> str:
    """Why batch norm cannot learn from a set whose last batch is one image; "" if it can."""
    network = student.network
    if network is None or len(run.subjects[subject]) % recipe.batch_size != 1:
        return ""
    if not any(isinstance(layer, nn.BatchNorm2d) for layer in network.modules()):
        return ""
    return f"{student.name}: its batch norm cannot learn from a last batch of one image"


def _flags(scores: Sequence[Score], mean: float, chance: float, place: Where) -> Iterator[str]:
    """Warnings for the reader."""
    where = f"{place['subject']} on {place['architecture']} under {place['protocol']}"
    if mean < chance + AT_CHANCE * (1 - chance):
        yield f"{where} is near chance ({chance:.1%})"
    diverged = sum(score.diverged for score in scores)
    if diverged:
        yield f"{diverged} of {len(scores)} networks of {where} diverged"
