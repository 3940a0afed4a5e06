"""Accuracy of students on real images, for the set, its control and the whole training set."""

from __future__ import annotations

import statistics

from ddbench import Evaluator, FinishedRun, Measurement, NotScorable
from ddbench.scoring.students import Score

AT_CHANCE = 0.02
"""A result is near chance when it is at most this share of the way from chance to 1."""


class Accuracy(Evaluator):
    """Mean accuracy of the task's model over evaluation networks, under each protocol.

    Each method is compared with its control under the same labels, loss and augmentation, and their
    difference is taken network by network. `whole` is trained on all real data by the teacher
    recipe.
    """

    def evaluate(self, run: FinishedRun) -> list[Measurement]:
        """Accuracies as fractions of the scored split."""
        measurements: list[Measurement] = []
        for protocol in run.protocols:
            values: dict[str, list[float]] = {}
            for subject in run.subjects:
                where: dict[str, str | int | float] = {
                    "protocol": protocol.label,
                    "subject": subject,
                    "split": run.split,
                }
                try:
                    regime = run.training_set(subject, protocol).regime
                except NotScorable as reason:
                    note = str(reason)
                    measurements.append(Measurement("accuracy", None, "fraction", (), where, note))
                    continue
                scores = run.scores(subject, protocol)
                values[subject] = [score.accuracy for score in scores]
                measurements.append(_accuracy(scores, {**where, "labels": regime}, run))
            if len(values) == 2:
                measurements.append(_difference(values, protocol.label, run))
        if run.whole:
            networks = range(run.budget.whole_networks)
            scores = [run.score_whole(index) for index in networks]
            where = {"protocol": "whole/1", "subject": "whole", "split": run.split}
            measurements.append(_accuracy(scores, where, run))
        return measurements


def _accuracy(
    scores: list[Score], coordinates: dict[str, str | int | float], run: FinishedRun
) -> Measurement:
    """The mean accuracy, with a note if it is near chance or a network diverged."""
    values = tuple(score.accuracy for score in scores)
    mean, chance = statistics.fmean(values), 1 / run.distilled.classes
    place = f"{coordinates['subject']} under {coordinates['protocol']}"
    notes = []
    if mean < chance + AT_CHANCE * (1 - chance):
        notes.append(f"{place} is near chance ({chance:.1%})")
    diverged = sum(score.diverged for score in scores)
    if diverged:
        notes.append(f"{diverged} of {len(scores)} networks of {place} diverged")
    return Measurement("accuracy", mean, "fraction", values, coordinates, "; ".join(notes))


def _difference(values: dict[str, list[float]], protocol: str, run: FinishedRun) -> Measurement:
    """The method less its control, network by network, with a note if it is below."""
    (subject, own), (control, other) = values.items()
    paired = tuple(a - b for a, b in zip(own, other, strict=True))
    mean = statistics.fmean(paired)
    note = f"{subject} is below {control} under {protocol}" if mean < 0 else ""
    where: dict[str, str | int | float] = {
        "protocol": protocol,
        "subject": subject,
        "control": control,
        "split": run.split,
    }
    return Measurement("accuracy_difference", mean, "fraction", paired, where, note)
