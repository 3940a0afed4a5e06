"""Accuracy of students during training, and how soon they match those of the control."""

from __future__ import annotations

from collections.abc import Sequence
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
    UserError,
    setting,
)
from ddbench.scoring.curves import Curve
from ddbench.scoring.protocols import Protocol

from ._accuracies import NO_CONTROL, control_of
from ._curves_figure import AFTER, curves_figure
from ._reaching import first_reaching

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class TimeToAccuracy(Evaluator):
    """Seconds and steps of training until students reach a share of the control's accuracy.

    Under each protocol of the run every evaluation network is trained on the set and on the
    control as for its score, and tested after about `points` epochs in equal ratios, the last at
    the end of training. A target is a share of the mean accuracy that the control's students have
    at the end; it is reached at the first point at which the mean over networks is at least as
    large. Nothing is selected by that: all points are measured and shown.

    Seconds are the time to train one network up to a point, without tests; epochs count as equally
    long.
    """

    @dataclass
    class Settings(EvaluatorSettings):
        """Settings of the evaluator."""

        targets: list[float] = setting(
            [0.5, 0.75, 0.9, 1.0], "targets, as shares of the control's accuracy at the end"
        )
        points: int = setting(12, "epochs after which students are tested, at most", low=2)

        def __post_init__(self) -> None:
            super().__post_init__()
            if not self.targets or not all(0 < share <= 10 for share in self.targets):
                raise UserError(
                    f"targets={self.targets}: shares of the control's accuracy above 0, such as "
                    "targets=[0.5,1.0]"
                )
            self.targets = sorted(set(self.targets))

    settings: Settings

    def skip(self, run: FinishedRun) -> str | None:
        """Without a control there is no target."""
        return None if control_of(run) else NO_CONTROL

    def evaluate(self, run: FinishedRun) -> list[Measurement]:
        """Accuracy at each point, then seconds and steps to each target, by protocol and set."""
        return [m for protocol in run.protocols for m in self._under(protocol, run)]

    def _under(self, protocol: Protocol, run: FinishedRun) -> list[Measurement]:
        subjects = list(run.subjects)[:2]
        curves: dict[str, list[Curve]] = {}
        why: dict[str, str] = {}
        measurements: list[Measurement] = []
        for subject in subjects:
            where: Coordinates = {"protocol": protocol.label, "subject": subject}
            where["split"] = run.split
            try:
                curves[subject] = run.curves(subject, protocol, self.settings.points)
            except NotScorable as reason:
                why[subject] = f"{subject} under {protocol.label}: {reason}"
                measurements.append(Measurement(AFTER, None, "fraction", (), where, why[subject]))
                continue
            measurements += _accuracies(curves[subject], where)
        for subject in subjects:
            where = {"protocol": protocol.label, "subject": subject, "split": run.split}
            unknown = why.get(subject) or why.get(subjects[1])
            measurements += (
                _unknown(unknown, where)
                if unknown
                else self._times(curves[subject], curves[subjects[1]], subjects[1], where, run)
            )
        return measurements

    def _times(
        self,
        curves: Sequence[Curve],
        controls: Sequence[Curve],
        control: str,
        where: Coordinates,
        run: FinishedRun,
    ) -> list[Measurement]:
        """Seconds and steps until the students of a set reach each target."""
        last = fmean(curve.accuracies[-1] for curve in controls)
        measurements = []
        for share in self.settings.targets:
            place: Coordinates = {**where, "share_of_control": share}
            timed: Coordinates = {**place, "on": run.device_name}
            point = first_reaching([curve.accuracies for curve in curves], share * last)
            if point is None:
                note = (
                    f"{where['subject']} does not reach {share:.0%} of the accuracy of {control} "
                    f"under {where['protocol']}"
                )
                measurements += [
                    Measurement("time_to_accuracy", None, "seconds", (), timed, note),
                    Measurement("steps_to_accuracy", None, "steps", (), place, note),
                ]
                continue
            seconds = tuple(curve.seconds_at[point] for curve in curves)
            steps = curves[0].steps_at[point]
            measurements += [
                Measurement("time_to_accuracy", fmean(seconds), "seconds", seconds, timed),
                Measurement("steps_to_accuracy", float(steps), "steps", (), place),
            ]
        return measurements

    def figure(self, measurements: Sequence[Measurement]) -> Figure | None:
        """Accuracy against images seen, one panel per protocol."""
        return curves_figure(measurements)


def _accuracies(curves: Sequence[Curve], where: Coordinates) -> list[Measurement]:
    """The mean accuracy at each point, with those of the networks as its values."""
    first = curves[0]
    diverged = sum(curve.diverged for curve in curves)
    place = f"{where['subject']} under {where['protocol']}"
    note = f"{diverged} of {len(curves)} networks of {place} diverged" if diverged else ""
    measurements = []
    for point, epochs in enumerate(first.epochs):
        values = tuple(curve.accuracies[point] for curve in curves)
        at: Coordinates = {
            **where,
            "epochs": epochs,
            "steps": first.steps_at[point],
            "images_seen": first.images_at[point],
        }
        measurements.append(Measurement(AFTER, fmean(values), "fraction", values, at, note))
    return measurements


def _unknown(reason: str, where: Coordinates) -> list[Measurement]:
    """Measurements without a time, for a set or a control that cannot be scored."""
    return [
        Measurement("time_to_accuracy", None, "seconds", (), where, reason),
        Measurement("steps_to_accuracy", None, "steps", (), where, reason),
    ]
