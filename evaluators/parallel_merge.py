"""Sets of disjoint groups, distilled independently and merged: accuracy and time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING, Any

from ddbench import (
    Coordinates,
    DistilledSet,
    Evaluator,
    EvaluatorSettings,
    FinishedRun,
    Measurement,
    MethodSkips,
    NotScorable,
    setting,
)
from ddbench.distilling.method_style import method_style
from ddbench.figures import new_figure
from ddbench.records.statistics import half_width
from ddbench.scoring.protocols import Protocol

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BESIDE = 0.06
"""Distance between the intervals of two subjects on the axis of groups."""
ACCURACY, TIME = "merged_accuracy", "merged_wall_time"


class ParallelMerge(Evaluator):
    """Accuracy of the union of the groups 0 to k - 1, for k from 1 to `groups` (APM, Figure 4).

    Groups start from disjoint real images and are independent, so that each can be made by its own
    worker; those already in the store, such as from the runs `group=0,1,...`, are taken from there,
    and the others are made now. The union is compared with that of the control's groups, each
    labelled like the method's group that it is the control of. Students of a union are trained like
    those of one group, except that soft/1 takes the rate of the union's ipc.
    """

    @dataclass
    class Settings(EvaluatorSettings):
        """Settings of merging."""

        groups: int = setting(3, "groups to merge, at most [K]", low=2)
        every: int = setting(1, "score unions of 1, 1 + every, ... groups, and of all", low=1)
        joint: bool = setting(False, "also distil one set of as many images as all groups have")

    settings: Settings

    def skip(self, run: FinishedRun) -> str | None:
        """Why there are no groups to merge."""
        if run.making is None:
            return "the set was not made here, so that no other group of it can be made"
        if run.task.group:
            return f"groups are merged by the run of group 0, and this is group {run.task.group}"
        if run.task.class_counts is not None:
            return "only groups with equally many images per class can be merged"
        groups, ipc = self.settings.groups, run.task.ipc
        smallest = min(run.dataset.class_counts)
        if groups * ipc > smallest:
            return (
                f"{groups} groups of ipc {ipc} need {groups * ipc} training images per class, and "
                f"{run.task.dataset} has a class of {smallest}"
            )
        return None

    def evaluate(self, run: FinishedRun) -> list[Measurement]:
        """Accuracy by groups merged, under each protocol, and the time that the groups took."""
        count = self.settings.groups
        made = [run.distil(group=group) for group in range(count)]
        own, *control = run.subjects
        sets = {own: [one.distilled for one in made]}
        for name in control:
            sets[name] = [run.distil(group=group, control=True).distilled for group in range(count)]
        measurements = []
        for protocol in run.protocols:
            for merged in sorted({*range(1, count + 1, self.settings.every), count}):
                for name, groups in sets.items():
                    likes = [] if name == own else sets[own][:merged]
                    one = _accuracy(run, name, groups[:merged], protocol, likes, merged)
                    measurements.append(one)
        seconds = [one.cost.wall_seconds for one in made]
        measurements += [
            _time(sum(seconds), f"all {count} groups", run),
            _time(max(seconds), "longest group", run),
        ]
        for pool in made[0].pools:
            took = f"{pool['stream']}s, shared by all groups"
            measurements.append(_time(pool["cost"]["wall_seconds"], took, run))
        if self.settings.joint:
            measurements += self._joint(run, own, count)
        return measurements

    def _joint(self, run: FinishedRun, own: str, count: int) -> list[Measurement]:
        """One set of as many images as all groups have, distilled at once."""
        title = f"one set of ipc {count * run.task.ipc}"
        try:
            joint = run.distil(ipc=count * run.task.ipc)
        except MethodSkips as reason:
            where: Coordinates = {"subject": own, "of": title}
            return [Measurement(ACCURACY, None, "fraction", (), where, str(reason))]
        return [
            *(_accuracy(run, own, [joint.distilled], p, [], 1, title) for p in run.protocols),
            _time(joint.cost.wall_seconds, title, run),
        ]

    def figure(self, measurements: Sequence[Measurement]) -> Figure | None:
        """Accuracy over groups merged, one panel per protocol."""
        known = [m for m in measurements if m.metric == ACCURACY and m.value is not None]
        if not known:
            return None
        protocols = list(dict.fromkeys(str(m.coordinates["protocol"]) for m in known))
        figure = new_figure(1 + 3.6 * len(protocols), 3.6)
        panels = figure.subplots(1, len(protocols), sharey=True, squeeze=False)[0]
        for axes, protocol in zip(panels, protocols, strict=True):
            _draw(axes, [m for m in known if m.coordinates["protocol"] == protocol])
            axes.set_title(protocol, fontsize="small")
        panels[0].set_ylabel(f"{known[0].coordinates['split']} accuracy in %")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
        return figure


def _accuracy(
    run: FinishedRun,
    name: str,
    sets: Sequence[DistilledSet],
    protocol: Protocol,
    likes: Sequence[DistilledSet],
    groups: int,
    of: str = "union of groups",
) -> Measurement:
    where: Coordinates = {
        "protocol": protocol.label,
        "subject": name,
        "of": of,
        "groups": groups,
        "ipc": sum(len(one) for one in sets) // sets[0].classes,
        "split": run.split,
    }
    try:
        scores = run.score_union(f"{name}, {of} ({groups}),", sets, protocol, likes)
    except NotScorable as reason:
        return Measurement(ACCURACY, None, "fraction", (), where, str(reason))
    values = tuple(score.accuracy for score in scores)
    return Measurement(ACCURACY, fmean(values), "fraction", values, where)


def _time(seconds: float, of: str, run: FinishedRun) -> Measurement:
    device = run.device_name
    return Measurement(TIME, seconds, "seconds", (), {"of": of, "on": device})


def _draw(axes: Axes, measurements: Sequence[Measurement]) -> None:
    """A line for each subject, a star for a set that was distilled at once."""
    unions = [m for m in measurements if m.coordinates["of"] == "union of groups"]
    most = max((int(m.coordinates["groups"]) for m in unions), default=1)
    for number, subject in enumerate(dict.fromkeys(str(m.coordinates["subject"]) for m in unions)):
        own = [m for m in unions if m.coordinates["subject"] == subject]
        style: dict[str, Any] = {**method_style(subject), "linewidth": 1 if number else 2}
        axes.errorbar(
            [int(m.coordinates["groups"]) + number * BESIDE for m in own],
            [100 * (m.value or 0) for m in own],
            yerr=[100 * (half_width(m.values) or 0) for m in own],
            capsize=3,
            label=subject,
            **style,
        )
    for m in measurements:
        if m not in unions:
            label = f"{m.coordinates['subject']}, {m.coordinates['of']}"
            axes.plot([most - BESIDE], [100 * (m.value or 0)], "k*", markersize=10, label=label)
    axes.set_xticks(range(1, most + 1))
    ipc = {int(m.coordinates["ipc"]) // int(m.coordinates["groups"]) for m in unions}
    axes.set_xlabel(f"groups merged (ipc {'/'.join(map(str, sorted(ipc)))} each)")
    axes.spines[["top", "right"]].set_visible(False)
