"""How much of an accuracy is due to labels: HLR, IOR, nIOR, LRS and label attribution."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from ddbench import (
    Coordinates,
    Evaluator,
    EvaluatorSettings,
    FinishedRun,
    Measurement,
    NotScorable,
    setting,
)
from ddbench.scoring.protocols import PROTOCOLS

from . import _dd_ranking as robustness
from ._accuracies import NO_CONTROL, accuracies, control_of, whole_accuracies
from ._score_bars import score_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNDEFINED = (
    f"undefined: the whole set is less than {robustness.LEAST_GAP:.0%} better than the control"
)
Values = tuple[float, ...] | str
"""One value per evaluation network, or the reason why there is none."""


class LabelRobustness(Evaluator):
    """Label-robust score of DD-Ranking with its parts, in fractions; see `_dd_ranking.py`.

    A(S, hard) is scored under hard/1; `any` is paper/1, which gives the control the method's
    labels, loss and augmentation; labels are attributed by soft/1 less hard/1. A(T, hard) is the
    mean of the networks of `whole`. A measurement's value is the formula applied to mean
    accuracies; its values are the formula applied network by network, with A(T, hard) the same for
    all.
    """

    @dataclass
    class Settings(EvaluatorSettings):
        """Settings of label robustness."""

        weight: float = setting(0.5, "weight of IOR in the score [w]", low=0, high=1)

    settings: Settings

    def skip(self, run: FinishedRun) -> str | None:
        """Without a control there is no improvement over it."""
        return None if control_of(run) else NO_CONTROL

    def evaluate(self, run: FinishedRun) -> list[Measurement]:
        """The score, its parts, and what labels contribute to the set and to its control."""
        own, control = list(run.subjects)[:2]
        weight = self.settings.weight
        known = {
            (subject, protocol): _values(run, subject, protocol)
            for protocol in ("hard", "paper", "soft")
            for subject in (own, control)
        }
        wholes = whole_accuracies(run)
        whole = fmean(wholes)
        hard, any_, random = known[own, "hard"], known[own, "paper"], known[control, "paper"]
        where: Coordinates = {
            "subject": own,
            "control": control,
            "split": run.split,
        }
        real: Coordinates = {"subject": "whole", "split": run.split}

        def score(hard: float, own: float, random: float) -> float:
            return robustness.label_robust_score(
                robustness.improvement_over_random(own, random),
                robustness.hard_label_recovery_gap(whole, hard),
                weight,
            )

        def gap(hard: float) -> float:
            return robustness.hard_label_recovery_gap(whole, hard)

        def share(own: float, random: float) -> float | None:
            return robustness.normalised_improvement(own, random, whole)

        improvement = robustness.improvement_over_random
        return [
            Measurement("whole_accuracy", whole, "fraction", wholes, real),
            _combined("hard_label_recovery_gap", gap, [hard], where),
            _combined("improvement_over_random", improvement, [any_, random], where),
            _combined("normalised_improvement", share, [any_, random], where),
            _combined("label_robust_score", score, [hard, any_, random], where),
            *(
                _combined(
                    "label_attribution",
                    robustness.label_attribution,
                    [known[subject, "soft"], known[subject, "hard"]],
                    {"subject": subject, "split": run.split},
                )
                for subject in (own, control)
            ),
        ]

    def figure(self, measurements: Sequence[Measurement]) -> Figure | None:
        """Differences of accuracy on the left, the score on the right."""
        names = {
            "hard_label_recovery_gap": "HLR: whole less {subject}, class ids (lower is better)",
            "improvement_over_random": "IOR: {subject} less {control}, own labels",
            "label_attribution": "labels' share of {subject}: soft less class ids",
        }
        return score_figure(measurements, names, "label_robust_score", "LRS")


def _values(run: FinishedRun, subject: str, protocol: str) -> Values:
    try:
        return accuracies(run, subject, protocol)
    except NotScorable as reason:
        return str(reason)


def _combined(
    metric: str,
    formula: Callable[..., float | None],
    parts: Sequence[Values],
    coordinates: Coordinates,
) -> Measurement:
    """The formula applied to mean accuracies, and to those of each network."""
    protocols = {**coordinates, **_rules(metric)}
    numbers = [part for part in parts if not isinstance(part, str)]
    if len(numbers) < len(parts):
        reason = next(part for part in parts if isinstance(part, str))
        return Measurement(metric, None, "fraction", (), protocols, f"{metric}: {reason}")
    value = formula(*(fmean(part) for part in numbers))
    if value is None:
        return Measurement(metric, None, "fraction", (), protocols, f"{metric} is {UNDEFINED}")
    each = [formula(*own) for own in zip(*numbers, strict=True)]
    values = tuple(one for one in each if one is not None)
    if len(values) < len(each):
        values = ()  # a mean of the networks where it is defined would be another quantity
    return Measurement(metric, value, "fraction", values, protocols)


def _rules(metric: str) -> Coordinates:
    """The protocols that a metric uses, besides `whole`."""
    names = {
        "hard_label_recovery_gap": ("hard",),
        "improvement_over_random": ("paper",),
        "normalised_improvement": ("paper",),
        "label_robust_score": ("paper", "hard"),
        "label_attribution": ("soft", "hard"),
    }[metric]
    return {"protocols": " ".join(PROTOCOLS[name].label for name in names)}
