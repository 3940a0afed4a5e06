"""Published beside measured: what a paper printed, and what the same cell gave here."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from ..records.checking import ACCURACY
from ..records.statistics import Estimate, over_seeds_and_networks
from .boards import WHOLE, Setting
from .other_measurements import Other, Topic
from .standings import Standings

PAPER = "paper"
SCALES = {"percent": (0.01, "fraction"), "GB": (1e9, "bytes")}
"""Units of the files that are not those of records: what one of them is, and in which unit."""
SETTING = "method."
"""Begins a coordinate of a published number that is a setting of the method."""


@dataclass(frozen=True)
class Figure:
    """One published number.

    Args:
        source: the publication.
        place: where in it.
        method: name.
        dataset: name.
        ipc: images per class; None for the whole training set.
        model: label of the network.
        metric: as in a measurement.
        coordinates: those of a measurement that must be equal, as text; `method.NAME` is a
            setting of the method.
        value: in the unit of records.
        spread: the standard deviation printed with it, if there is one.
        unit: of records.
        reading: "exact", or how it was read.
        note: why it is not measured here as it was there; "" where it is.
    """

    source: str
    place: str
    method: str
    dataset: str
    ipc: int | None
    model: str
    metric: str
    coordinates: Mapping[str, str]
    value: float
    spread: float | None
    unit: str
    reading: str
    note: str


@dataclass(frozen=True)
class Reproduction:
    """A published number beside a measured one.

    Args:
        figure: the published number.
        label: the method as it was run here.
        budget: of the measurement.
        measured: here; None where nothing was.
        verdict: whether the published value lies in the measured interval, or why nothing is said.
    """

    figure: Figure
    label: str
    budget: str
    measured: Estimate | None
    verdict: str


def published_figures() -> list[Figure]:
    """Every number of `leaderboards/published/*.csv`, in the order of the files."""
    folder = files("ddbench.leaderboards").joinpath("published")
    named = sorted((file for file in folder.iterdir() if file.name.endswith(".csv")), key=str)
    return [figure for file in named for figure in _figures(file.read_text(encoding="utf-8"))]


def _figures(text: str) -> list[Figure]:
    lines = text.splitlines()
    source = lines[0].removeprefix("#").strip()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return [_figure(row, source) for row in rows]


def _figure(row: Mapping[str, str], source: str) -> Figure:
    scale, unit = SCALES.get(row["unit"], (1.0, row["unit"]))
    return Figure(
        source=source,
        place=row["place"],
        method=row["method"],
        dataset=row["dataset"],
        ipc=int(row["ipc"]) if row["ipc"] else None,
        model=row["model"],
        metric=row["metric"],
        coordinates=dict(pair.split("=", 1) for pair in row["coordinates"].split("; ") if pair),
        value=float(row["value"]) * scale,
        spread=float(row["spread"]) * scale if row["spread"] else None,
        unit=unit,
        reading=row["reading"],
        note=row["note"],
    )


def reproductions(
    figures: Iterable[Figure],
    boards: Sequence[Standings],
    others: Mapping[Topic, Sequence[Other]],
    whole: Mapping[Setting, tuple[float, ...]],
) -> list[Reproduction]:
    """Each published number with everything measured for its cell, or with nothing."""
    found = []
    for figure in figures:
        measured = [
            *_on_boards(figure, boards),
            *_among_others(figure, others),
            *_of_the_whole(figure, whole),
        ]
        found += [
            Reproduction(figure, label, setting.budget, estimate, _verdict(figure, *one))
            for one in measured
            for setting, label, estimate in [one]
        ] or [Reproduction(figure, figure.method, "", None, "not measured")]
    return found


Measured = tuple[Setting, str, Estimate]


def _on_boards(figure: Figure, boards: Sequence[Standings]) -> list[Measured]:
    if figure.metric != ACCURACY or figure.coordinates:
        return []
    return [
        (one.board.setting, row.variant.label, row.accuracy)
        for one in boards
        if _fits(figure, one.board.setting) and _is_paper(one.board.protocol)
        for row in one.rows
        if row.accuracy is not None
        and row.ipc == figure.ipc
        and row.variant.label.partition("/")[0] == figure.method
    ]


def _among_others(figure: Figure, others: Mapping[Topic, Sequence[Other]]) -> list[Measured]:
    return [
        (topic.setting, row.label, row.estimate)
        for topic, rows in others.items()
        if topic.metric == figure.metric
        and _fits(figure, topic.setting)
        # What was measured otherwise gets no verdict, and its protocol is not the published one.
        and (not topic.protocol or _is_paper(topic.protocol) or figure.note)
        for row in rows
        if row.ipc == figure.ipc
        and row.label == row.variant.label
        and row.label.partition("/")[0] == figure.method
        and figure.coordinates.items() <= _told_of(row).items()
    ]


def _told_of(row: Other) -> dict[str, str]:
    """Coordinates and settings of what was measured, as a file of published numbers has them."""
    settings = {f"{SETTING}{name}": str(value) for name, value in row.variant.values.items()}
    return {**settings, **{name: row.at(name) for name, _ in row.coordinates}}


def _of_the_whole(figure: Figure, whole: Mapping[Setting, tuple[float, ...]]) -> list[Measured]:
    if figure.method != WHOLE or figure.metric != ACCURACY or figure.coordinates:
        return []
    return [
        (setting, WHOLE, over_seeds_and_networks({0: values}))
        for setting, values in sorted(whole.items())
        if _fits(figure, setting)
    ]


def _fits(figure: Figure, setting: Setting) -> bool:
    return setting.dataset == figure.dataset and setting.model == figure.model


def _is_paper(protocol: str) -> bool:
    return protocol.partition("/")[0] == PAPER


def _verdict(figure: Figure, setting: Setting, label: str, measured: Estimate) -> str:
    if setting.budget != PAPER:
        return f"no verdict: budget {setting.budget}"
    if figure.note:
        return f"no verdict: {figure.note}"
    if "(" in label:
        return "no verdict: settings are not the published ones"
    if measured.half_width is None:
        return "no verdict: one value, no interval"
    inside = abs(measured.mean - figure.value) <= measured.half_width
    return "inside the interval" if inside else "outside the interval"
