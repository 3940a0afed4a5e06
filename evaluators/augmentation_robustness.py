"""How much of an improvement over Random is due to augmentation: the score ARS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from ddbench import Coordinates, Evaluator, EvaluatorSettings, FinishedRun, Measurement, setting
from ddbench.scoring.protocols import PROTOCOLS

from . import _dd_ranking as robustness
from ._accuracies import NO_CONTROL, accuracies, control_of
from ._score_bars import score_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WITH, WITHOUT = "hard", "noaug"


class AugmentationRobustness(Evaluator):
    """Augmentation-robust score of DD-Ranking, in fractions; see `_dd_ranking.py`.

    Both sets have class ids, under hard/1 with DSA augmentation and under noaug/1, which differs
    in nothing else. A measurement's value is the formula applied to mean accuracies; its values
    are the formula applied network by network.
    """

    @dataclass
    class Settings(EvaluatorSettings):
        """Settings of augmentation robustness."""

        weight: float = setting(0.5, "weight of augmented students in the score [g]", low=0, high=1)

    settings: Settings

    def skip(self, run: FinishedRun) -> str | None:
        """Without a control there is no improvement over it."""
        return None if control_of(run) else NO_CONTROL

    def evaluate(self, run: FinishedRun) -> list[Measurement]:
        """The improvement with and without augmentation, and the score of both."""
        own, control = list(run.subjects)[:2]
        where: Coordinates = {
            "subject": own,
            "control": control,
            "split": run.split,
        }
        measurements, differences = [], []
        for protocol in (WITH, WITHOUT):
            accuracy, other = (accuracies(run, subject, protocol) for subject in (own, control))
            values = tuple(map(robustness.improvement_over_random, accuracy, other))
            differences.append(values)
            place = {**where, "protocols": PROTOCOLS[protocol].label}
            measurements.append(
                Measurement("augmentation_improvement", fmean(values), "fraction", values, place)
            )
        weight = self.settings.weight
        scores = tuple(
            robustness.augmentation_robust_score(with_it, without, weight)
            for with_it, without in zip(*differences, strict=True)
        )
        augmented, plain = map(fmean, differences)
        score = robustness.augmentation_robust_score(augmented, plain, weight)
        both = {**where, "protocols": f"{PROTOCOLS[WITH].label} {PROTOCOLS[WITHOUT].label}"}
        name = "augmentation_robust_score"
        return [*measurements, Measurement(name, score, "fraction", scores, both)]

    def figure(self, measurements: Sequence[Measurement]) -> Figure | None:
        """Improvements on the left, the score on the right."""
        names = {"augmentation_improvement": "{subject} less {control} under {protocols}"}
        return score_figure(measurements, names, "augmentation_robust_score", "ARS")
