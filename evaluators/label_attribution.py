"""What images, labels, augmentation and budget each contribute: a factorial experiment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from statistics import fmean
from typing import TYPE_CHECKING

from ddbench import (
    Coordinates,
    Evaluator,
    EvaluatorSettings,
    FinishedRun,
    Measurement,
    NotScorable,
    UserError,
    setting,
)
from ddbench.scoring.protocols import PROTOCOLS, Protocol, protocol_named

from ._accuracies import NO_CONTROL, control_of
from ._attribution_figure import BOTH, EFFECT, INTERACTION, ONE, attribution_figure
from ._factorial import Cell, effect, interaction
from ._training_levels import FACTORS, Trained, in_words, learned_with, recipe_of_level

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CELL = "attribution_cell"
LOW_LABELS = "hard"
LEVELS = (True, False)
IMAGES, LABELS = 0, 1


class LabelAttribution(Evaluator):
    """Effects of images, labels, augmentation and budget on accuracy, and of pairs of them.

    All sixteen cells of a 2^4 factorial design are scored: the images of the set or of the
    control; the labels of another protocol (`labels`) or the class ids of hard/1; augmentation as
    in the recipe, or none and no cutmix; all epochs of the budget, or a `part` of them. Labels
    come with the recipe of their protocol, which a note says.

    An effect is the mean accuracy of the cells at a factor's high level less that of the others,
    taken network by network; an interaction is half the change of one effect between the levels of
    another factor. Both are taken over all cells, and within the cells of each set.
    """

    @dataclass
    class Settings(EvaluatorSettings):
        """Settings of the evaluator."""

        labels: str = setting("soft", "protocol whose labels, and recipe, are the high level")
        part: float = setting(
            0.2, "fraction of the budget's epochs at the low level", above=0, high=0.9
        )

        def __post_init__(self) -> None:
            super().__post_init__()
            if protocol_named(self.labels).name == LOW_LABELS:
                raise UserError(
                    f"labels={self.labels}: these are the low level; name another protocol, such "
                    "as labels=soft"
                )

    settings: Settings

    def skip(self, run: FinishedRun) -> str | None:
        """Without a control there are no other images."""
        return None if control_of(run) else NO_CONTROL

    def evaluate(self, run: FinishedRun) -> list[Measurement]:
        """The accuracy of each cell, then effects and interactions, over all and by set."""
        subjects = list(run.subjects)[:2]
        cells: dict[Cell, Trained] = {}
        missing: dict[str, str] = {}
        measurements: list[Measurement] = []
        for own, other in product(LEVELS, LEVELS):
            subject, protocol = subjects[not own], self._protocol(run, other)
            where: Coordinates = {"subject": subject, "labels": protocol.label, "split": run.split}
            try:
                scored = dict(self._scored(run, subject, protocol))
            except NotScorable as reason:
                note = missing[subject] = f"{subject} under {protocol.label}: {reason}"
                measurements.append(Measurement(CELL, None, "fraction", (), where, note))
                continue
            for (drawn, whole), one in scored.items():
                cells[own, other, drawn, whole] = one
                place: Coordinates = {
                    **where,
                    "augmented": "yes" if drawn else "no",
                    "budget": 1.0 if whole else self.settings.part,
                    "epochs": one.recipe.epochs,
                }
                value = fmean(one.values)
                measurements.append(Measurement(CELL, value, "fraction", one.values, place))
        for over, of in ((BOTH, subjects), (ONE, subjects[:1]), (ONE, subjects[1:])):
            where = {"subject": of[0], "over": over, "split": run.split}
            lacking = next((missing[subject] for subject in of if subject in missing), None)
            if lacking is None:
                measurements += _effects({c: o for c, o in cells.items() if o.subject in of}, where)
            else:
                measurements.append(Measurement(EFFECT, None, "fraction", (), where, lacking))
        return measurements

    def _protocol(self, run: FinishedRun, other: bool) -> Protocol:
        """The protocol of a level of labels, as in the run, which may set a label epoch or rate."""
        name = protocol_named(self.settings.labels).name if other else LOW_LABELS
        return next((one for one in run.protocols if one.name == name), PROTOCOLS[name])

    def _scored(
        self, run: FinishedRun, subject: str, protocol: Protocol
    ) -> Iterator[tuple[tuple[bool, bool], Trained]]:
        """The students of images and labels with each level of augmentation and budget."""
        learnt = run.training_set(subject, protocol)
        for drawn, whole in product(LEVELS, LEVELS):
            recipe = recipe_of_level(learnt.recipe, drawn, 1.0 if whole else self.settings.part)
            scores = run.scores(subject, protocol, recipe=recipe)
            values = tuple(score.accuracy for score in scores)
            yield (
                (drawn, whole),
                Trained(subject, protocol.label, learnt.regime, recipe, values),
            )

    def figure(self, measurements: Sequence[Measurement]) -> Figure | None:
        """Effects and interactions in points of accuracy, over both sets and within each."""
        return attribution_figure(measurements)


def _effects(cells: Mapping[Cell, Trained], where: Coordinates) -> list[Measurement]:
    """Effects of the factors that vary over these cells, and of their pairs."""
    responses = {cell: one.values for cell, one in cells.items()}
    varying = [i for i in range(len(FACTORS)) if len({cell[i] for cell in cells}) == 2]
    names = list(FACTORS)
    place: Coordinates = {
        **where,
        **{names[i]: _levels(cells, i, FACTORS[names[i]]) for i in varying if i != IMAGES},
    }
    note = _levels(cells, LABELS, learned_with, by="; ")
    measurements = []
    for factor in varying:
        values = effect(responses, factor)
        at: Coordinates = {**place, "factor": names[factor]}
        told = note if factor == LABELS else ""
        measurements.append(Measurement(EFFECT, fmean(values), "fraction", values, at, told))
    for first, second in combinations(varying, 2):
        values = interaction(responses, first, second)
        at = {**place, "factors": f"{names[first]} x {names[second]}"}
        measurements.append(Measurement(INTERACTION, fmean(values), "fraction", values, at))
    return measurements


def _levels(
    cells: Mapping[Cell, Trained], factor: int, tell: Callable[[Trained], str], by: str = " less "
) -> str:
    """The high and the low level of a factor in words, such as "200 epochs less 40 epochs"."""
    return by.join(
        in_words(tell(one) for cell, one in cells.items() if cell[factor] is at) for at in LEVELS
    )
