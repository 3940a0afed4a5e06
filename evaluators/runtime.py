"""Wall time of each phase of making a set, and of a single step of its method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ddbench import Coordinates, Evaluator, FinishedRun, Measurement
from ddbench.figures import COLOURS, new_figure
from ddbench.records.cost import phase_text
from ddbench.records.units import duration

from ._phases import MADE_ELSEWHERE, phases

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STATISTICS = ("first", "mean", "median", "lower_quartile", "upper_quartile", "longest")


class Runtime(Evaluator):
    """Wall time of each phase, including networks whenever they were trained, and of a step.

    Steps are timed to the end of their work on the device. The first of every process warms up
    and is excluded from mean, median and quartiles. If some steps do more than others, such as
    those that train a student, the mean is what a step costs.
    """

    def skip(self, run: FinishedRun) -> str | None:
        """Nothing is known about a set that comes from a file."""
        return MADE_ELSEWHERE if run.making is None else None

    def evaluate(self, run: FinishedRun) -> list[Measurement]:
        """Seconds by phase, their sum, then the statistics of a step."""
        assert run.making is not None
        device = run.device_name
        seconds = [(phase, cost.wall_seconds) for phase, cost in phases(run)]
        whole: Coordinates = {"phase": "all phases"}
        seconds.append((whole, sum(value for _, value in seconds)))
        measurements = [
            Measurement("wall_time", value, "seconds", (), {**phase, "on": device})
            for phase, value in seconds
        ]
        summary = run.making.step_summary
        if summary is None:
            return measurements
        for name in STATISTICS:
            where: Coordinates = {
                "statistic": name.replace("_", " "),
                "steps": 1 if name == "first" else summary.timed,
                "on": device,
            }
            value = getattr(summary, name)
            measurements.append(Measurement("step_time", value, "seconds a step", (), where))
        return measurements

    def figure(self, measurements: Sequence[Measurement]) -> Figure | None:
        """Phases on the left; the spread of a step on the right."""
        phased = [m for m in measurements if m.metric == "wall_time" and m.value is not None]
        if not phased:
            return None
        step = {
            str(m.coordinates["statistic"]): m.value or 0
            for m in measurements
            if m.metric == "step_time"
        }
        figure = new_figure(9 if step else 6, 1.2 + 0.4 * len(phased))
        left, *right = figure.subplots(
            1, 1 + bool(step), width_ratios=[3, 2][: 1 + bool(step)], squeeze=False
        )[0]
        values = [m.value or 0 for m in phased]
        drawn = left.barh(range(len(values)), values, 0.6, color=COLOURS[0])
        left.bar_label(drawn, [duration(value) for value in values], padding=4)
        left.set_yticks(range(len(values)), [phase_text(m.coordinates) for m in phased])
        left.invert_yaxis()
        left.margins(x=0.18)
        left.set_xlabel("wall time in seconds")
        left.spines[["top", "right"]].set_visible(False)
        for axes in right:
            _draw_step(axes, step)
        figure.suptitle(str(phased[0].coordinates["on"]), fontsize="small")
        return figure


def _draw_step(axes: Axes, step: dict[str, float]) -> None:
    """A box from quartile to quartile with median, mean, the longest and the first step."""
    low, high = step["lower quartile"], step["upper quartile"]
    axes.bar([0], [high - low], 0.5, bottom=low, color=COLOURS[3], label="quartiles")
    axes.hlines(step["median"], -0.25, 0.25, color="black", label="median")
    marks = {"mean": "D", "longest": "^", "first": "s"}
    for place, (name, marker) in enumerate(marks.items()):
        colour = COLOURS[(0, 1, 2)[place]]
        axes.plot([0], [step[name]], marker, color=colour, label=f"{name} {duration(step[name])}")
    axes.set_xlim(-0.6, 0.6)
    axes.set_xticks([0], ["distilling"])
    axes.set_ylim(bottom=0)
    axes.set_ylabel("seconds per step")
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
