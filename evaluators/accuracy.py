"""Accuracy of students on real images, for the set, its control and the whole training set."""

from __future__ import annotations

import statistics

from ddbench.evaluator import Evaluator, Measurement
from ddbench.finished import FinishedRun
from ddbench.scoring.subjects import NotScorable


class Accuracy(Evaluator):
    """Mean accuracy of the task's model over evaluation networks, under each protocol.

    Beside each method stands its control under the same labels, loss and augmentation, and their
    difference, network by network. `whole` is trained on all real data by the teacher recipe.
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
                values[subject] = [
                    run.score(subject, protocol, index).accuracy
                    for index in range(run.budget.networks)
                ]
                measurements.append(
                    _measurement("accuracy", values[subject], {**where, "labels": regime})
                )
            if len(values) == 2:
                own, control = values.values()
                paired = [a - b for a, b in zip(own, control, strict=True)]
                measurements.append(
                    _measurement(
                        "accuracy_difference",
                        paired,
                        {
                            "protocol": protocol.label,
                            "subject": " - ".join(values),
                            "split": run.split,
                        },
                    )
                )
        if run.whole:
            scores = [
                run.score_whole(index).accuracy for index in range(min(3, run.budget.networks))
            ]
            where = {"protocol": "whole", "subject": "whole", "split": run.split}
            measurements.append(_measurement("accuracy", scores, where))
        return measurements


def _measurement(
    metric: str, values: list[float], coordinates: dict[str, str | int | float]
) -> Measurement:
    return Measurement(metric, statistics.fmean(values), "fraction", tuple(values), coordinates)
