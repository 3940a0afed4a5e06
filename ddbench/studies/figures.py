"""The figures of a study."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ..errors import UserError
from ..figures import new_figure, series_style
from ..records.statistics import Estimate
from .cells import Cell, grouped, over_seeds
from .study import FigureSpec, Study
from .tradeoff import TradeoffPoint, tradeoff_figure, tradeoff_point

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

STOP = "method.stop_after"

LEGEND_LETTERS, LEGEND_MARK = 14, 8
"""Letters of a legend per inch, and the width of its marker in letters."""


def draw(spec: FigureSpec, study: Study, cells: Sequence[Cell]) -> Figure | None:
    """One figure, or None if no cell has the data for it."""
    kinds: dict[str, Callable[..., Figure | None]] = {
        "differences": _differences,
        "steps": _steps,
        "line": _line,
        "tradeoff": _tradeoff,
    }
    if spec.kind not in kinds:
        raise UserError(f"figure {spec.name}: unknown kind {spec.kind!r}; known: {list(kinds)}")
    chosen = [cell for cell in cells if cell.has(spec.of)]
    return kinds[spec.kind](spec, study, chosen) if chosen else None


def _differences(spec: FigureSpec, study: Study, cells: Sequence[Cell]) -> Figure | None:
    """For each task and protocol, the difference of every arm from the control, with interval."""
    whole = [cell for cell in cells if STOP not in cell.words]
    panels = grouped(whole, study)
    protocols = _protocols(spec, whole)
    shown = [p for p in protocols if any(c.differences(p) for c in whole)]
    if not shown:
        return None
    arms = {
        panel: {n: g for n, g in series.items() if any(c.differences(p) for c in g for p in shown)}
        for panel, series in panels.items()
    }
    styles = _styles(arms)
    tallest = max(map(len, arms.values()))
    figure = new_figure(4.2 * len(shown) + 2.2, (0.42 * tallest + 1.0) * len(arms) + 0.5)
    figure.suptitle(study.title, fontsize=11)
    grid = figure.subplots(len(arms), len(shown), squeeze=False, sharex="col", sharey="row")
    for row, (panel, series) in zip(grid, arms.items(), strict=True):
        for axes, protocol in zip(row, shown, strict=True):
            axes.axvline(0, color="black", linewidth=0.8)
            for place, (name, group) in enumerate(series.items()):
                value = over_seeds(c.differences(protocol) for c in group)
                if value is not None:
                    style = styles[name]
                    width = None if value.half_width is None else 100 * value.half_width
                    axes.errorbar(100 * value.mean, place, xerr=width, capsize=3, **style)
            axes.set_yticks(range(len(series)), list(series), fontsize=8)
            axes.set_ylim(len(series) - 0.5, -0.5)
            axes.grid(axis="x", alpha=0.3)
            axes.set_title(f"{panel}\n{protocol}" if axes is row[0] else protocol, fontsize=8)
    for axes in grid[-1]:
        axes.set_xlabel("accuracy above the control, points")
    return figure


def _steps(spec: FigureSpec, study: Study, cells: Sequence[Cell]) -> Figure | None:
    """Distilling over steps: accuracy of runs that were stopped early, and logged scalars."""
    protocols = _protocols(spec, cells)
    panels: dict[str, dict[str, list[Cell]]] = {}
    for cell in cells:
        name = cell.series(study, without=(STOP,))
        if cell.record.curve:
            panels.setdefault(cell.panel, {}).setdefault(name, []).append(cell)
    rows = [*protocols, *spec.scalars]
    if not panels or not rows:
        return None
    styles = _styles(panels)
    figure = new_figure(4.6 * len(panels) + 0.6, 2.5 * len(rows) + 0.6)
    figure.suptitle(study.title, fontsize=11)
    grid = figure.subplots(len(rows), len(panels), squeeze=False, sharex="col")
    for column, (panel, series) in enumerate(panels.items()):
        grid[0, column].set_title(panel, fontsize=8)
        for name, group in series.items():
            style = styles[name]
            for axes, protocol in zip(grid[: len(protocols), column], protocols, strict=True):
                _accuracy_course(axes, group, protocol, name, style)
            whole = [cell for cell in group if STOP not in cell.words]
            for axes, scalar in zip(grid[len(protocols) :, column], spec.scalars, strict=True):
                _scalar_course(axes, whole, scalar, name, style["color"])
        grid[-1, column].set_xlabel("steps (updates of the distilled images)")
    handles = {
        label: handle
        for axes in grid[0]
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    longest = LEGEND_MARK + max(map(len, handles), default=0)
    ncols = max(1, min(4, int(figure.get_figwidth() * LEGEND_LETTERS / longest)))
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=ncols, fontsize=8)
    for row, name in zip(grid, rows, strict=True):
        label = f"{name}: points\nabove the control"
        if name not in protocols:
            label = study.labels.get(name, name)
        row[0].set_ylabel(label, fontsize=8)
        for axes in row:
            axes.grid(alpha=0.3)
    return figure


def _line(spec: FigureSpec, study: Study, cells: Sequence[Cell]) -> Figure | None:
    """A metric against a setting: one axes per task and protocol, one line per series."""
    protocols = _protocols(spec, cells) if spec.y == "accuracy" else ("",)
    panels: dict[str, dict[str, list[Cell]]] = {}
    for cell in cells:
        panel = cell.record.task.dataset.name if spec.x == "ipc" else cell.panel
        name = cell.series(study, without=(spec.x,))
        panels.setdefault(panel, {}).setdefault(name, []).append(cell)
    styles = _styles(panels)
    figure = new_figure(4.6 * len(protocols) + 0.8, 3.2 * len(panels) + 0.4)
    figure.suptitle(study.title, fontsize=11)
    grid = figure.subplots(len(panels), len(protocols), squeeze=False)
    for row, (panel, series) in zip(grid, panels.items(), strict=True):
        for axes, protocol in zip(row, protocols, strict=True):
            drawn = {name: _points(spec, group, protocol) for name, group in series.items()}
            places = _sorted({x for points in drawn.values() for x, _ in points})
            for name, points in drawn.items():
                by_place = {places.index(x): value for x, value in points}
                xs = sorted(by_place)
                _with_band(axes, xs, [by_place[x] for x in xs], name, styles[name])
            axes.set_xticks(range(len(places)), [str(x) for x in places])
            axes.set_title(f"{panel}\n{protocol}" if protocol else panel, fontsize=8)
            axes.set_xlabel(spec.x.removeprefix("method."))
            axes.set_ylabel("accuracy, %" if spec.y == "accuracy" else spec.y)
            axes.grid(alpha=0.3)
            axes.legend(fontsize=7)
    return figure


def _styles(panels: dict[str, dict[str, list[Cell]]]) -> dict[str, dict[str, Any]]:
    """One colour and marker for each series, the same in all panels."""
    names = dict.fromkeys(name for series in panels.values() for name in series)
    return {name: series_style(number) for number, name in enumerate(names)}


def _tradeoff(spec: FigureSpec, study: Study, cells: Sequence[Cell]) -> Figure | None:
    """Seconds per step against peak memory, one point per cell."""
    return tradeoff_figure(tradeoff_points(study, cells))


def tradeoff_points(study: Study, cells: Sequence[Cell]) -> list[TradeoffPoint]:
    """The points of the cells with measured memory and time."""
    points = [tradeoff_point(cell.record, cell.series(study)) for cell in cells]
    return [point for point in points if point is not None]


def _points(spec: FigureSpec, cells: Sequence[Cell], protocol: str) -> list[tuple[Any, Estimate]]:
    found: dict[Any, list[Cell]] = {}
    for cell in cells:
        found.setdefault(_setting(cell, spec.x), []).append(cell)
    points = []
    for x, group in found.items():
        read = [c.values(protocol) if protocol else c.metric(spec.y) for c in group]
        value = over_seeds(read)
        if value is not None:
            points.append((x, value))
    return points


def _sorted(values: set[Any]) -> list[Any]:
    """The values of a setting, sorted by size if all are numbers, else by their text."""
    numeric = all(isinstance(value, int | float) for value in values)
    return sorted(values) if numeric else sorted(values, key=str)


def _setting(cell: Cell, name: str) -> Any:
    """The resolved value of "method.x", or of a key of the task such as "ipc"."""
    if name.startswith("method."):
        return cell.record.method.settings[name.removeprefix("method.")].value
    return getattr(cell.record.task, name, cell.words.get(name, ""))


def _accuracy_course(
    axes: Axes, cells: Sequence[Cell], protocol: str, name: str, style: dict[str, Any]
) -> None:
    by_steps: dict[int, list[list[float]]] = {}
    for cell in cells:
        steps = cell.record.steps
        by_steps.setdefault(steps, []).append(cell.differences(protocol))
    points = [(steps, over_seeds(values)) for steps, values in sorted(by_steps.items())]
    known = [(steps, value) for steps, value in points if value is not None]
    # At step 0 the set consists of the control's images, from which all runs start.
    start = Estimate(0.0, None, "", 0, 0, ())
    _with_band(axes, [0, *(x for x, _ in known)], [start, *(v for _, v in known)], name, style)
    axes.axhline(0, color="black", linewidth=0.8)


def _scalar_course(axes: Axes, cells: Sequence[Cell], scalar: str, name: str, colour: str) -> None:
    courses: dict[int, list[float]] = {}
    for cell in cells:
        for point in cell.record.curve:
            if scalar in point:
                courses.setdefault(int(point["step"]) + 1, []).append(point[scalar])
    if courses:
        steps = sorted(courses)
        means = [statistics.fmean(courses[step]) for step in steps]
        axes.plot(steps, means, color=colour, label=name)
        low, high = ([f(courses[step]) for step in steps] for f in (min, max))
        axes.fill_between(steps, low, high, color=colour, alpha=0.15, linewidth=0)


def _with_band(
    axes: Axes, xs: Sequence[Any], values: Sequence[Estimate], name: str, style: dict[str, Any]
) -> None:
    """A line of means in percent with error bars for their intervals."""
    widths = [100 * (value.half_width or 0) for value in values]
    means = [100 * value.mean for value in values]
    axes.errorbar(xs, means, yerr=widths, capsize=3, label=name, markersize=4, **style)


def _protocols(spec: FigureSpec, cells: Sequence[Cell]) -> tuple[str, ...]:
    return spec.protocols or tuple(dict.fromkeys(p for c in cells for p in c.protocols))
