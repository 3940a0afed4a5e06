"""Published beside measured: a paper's numbers, and what the same cell gave here."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files

from ..records.checking import ACCURACY, WHOLE
from ..records.cost import joined
from ..records.statistics import Estimate, over_seeds_and_networks
from .entries import Setting, Variant, canonical
from .labels import Label, budget_label, variant_label
from .other_measurements import Other, Topic
from .published_values import published_settings
from .standings import Standings

PAPER = "paper"
SCALES = {"percent": (0.01, "fraction"), "GB": (1e9, "bytes")}
"""Units of the files that records do not use: the factor and the unit to convert to."""
ON_TEST, LAST, NOT_KNOWN = "best on test", "last", "not known"
SELECTIONS = (ON_TEST, LAST, NOT_KNOWN)
"""Which of the sets scored along the way a published accuracy belongs to: the best one on the test
images, or the last one; or neither the paper nor its program says."""
SELECTION_MARKS = {ON_TEST: " †", NOT_KNOWN: " ?"}
"""The mark beside a published accuracy."""
SETTING = "method."
"""The prefix of a published number's coordinate that is a setting of the method."""


@dataclass(frozen=True)
class Figure:
    """One published number.

    Args:
        source: the publication.
        place: the place in the publication.
        method: the method's name.
        dataset: the dataset's name.
        ipc: images per class; None for the whole training set.
        model: the label of the network.
        metric: as in a measurement.
        coordinates: the coordinates, as text, that a measurement must match; `method.NAME` is a
            setting of the method.
        value: the number, in the unit of records.
        spread: the standard deviation printed with it, if there is one.
        unit: the unit of records.
        reading: "exact", or how it was read.
        selection: one of `SELECTIONS`; "" if nothing is chosen, as for a cost.
        note: why it is not measured here as it was there; "" if it is.
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
    selection: str
    note: str

    @property
    def shown(self) -> dict[str, str]:
        """The coordinates as displayed."""
        return {name: str(value) for name, value in joined(self.coordinates).items()}


@dataclass(frozen=True)
class Reproduction:
    """A published number beside a measured one.

    Args:
        figure: the published number.
        setting: the setting of the measurement; None if nothing was measured.
        variant: the method as it was run here; None for the whole training set, too.
        measured: the number measured here; None if nothing was.
        verdict: whether the published value lies in the measured interval.
        reason: why there is no verdict; "" if there is one.
    """

    figure: Figure
    setting: Setting | None = None
    variant: Variant | None = None
    measured: Estimate | None = None
    verdict: str = "not measured"
    reason: str = ""

    @property
    def label(self) -> Label:
        """The displayed name of the method as it was run here."""
        if self.variant is None:
            return Label(self.figure.method, self.figure.method)
        return variant_label(self.variant)

    @property
    def budget(self) -> str:
        """The displayed budget of the measurement."""
        return "" if self.setting is None else budget_label(self.setting).full

    @property
    def told(self) -> Label:
        """The displayed verdict with its reason."""
        return Label(
            f"{self.verdict}: {self.reason}" if self.reason else self.verdict, self.verdict
        )


def published_figures(name: str = "") -> list[Figure]:
    """Every number of `leaderboards/published/*.csv`, in the order of the files.

    Args:
        name: the name of one file, such as "apm"; "": all files.
    """
    folder = files("ddbench.leaderboards").joinpath("published")
    ending = f"{name}.csv" if name else ".csv"
    named = sorted((file for file in folder.iterdir() if file.name.endswith(ending)), key=str)
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
        selection=row["selection"],
        note=row["note"],
    )


def reproductions(
    figures: Iterable[Figure],
    boards: Sequence[Standings],
    others: Mapping[Topic, Sequence[Other]],
    whole: Mapping[Setting, tuple[float, ...]],
) -> list[Reproduction]:
    """Each published number with each measurement of its cell, or with none."""
    found = []
    for figure in figures:
        measured = [
            *_on_boards(figure, boards),
            *_among_others(figure, others),
            *_of_the_whole(figure, whole),
        ]
        found += [
            Reproduction(figure, setting, variant, estimate, *_verdict(figure, *one))
            for one in measured
            for setting, variant, estimate in [one]
        ] or [Reproduction(figure)]
    return found


Measured = tuple[Setting, Variant | None, Estimate]


def _on_boards(figure: Figure, boards: Sequence[Standings]) -> list[Measured]:
    if figure.metric != ACCURACY or figure.coordinates:
        return []
    return [
        (one.board.setting, row.variant, row.accuracy)
        for one in boards
        if _fits(figure, one.board.setting) and one.board.protocol.name == PAPER
        for row in one.rows
        if row.accuracy is not None
        and row.ipc == figure.ipc
        and row.variant.method == figure.method
    ]


def _among_others(figure: Figure, others: Mapping[Topic, Sequence[Other]]) -> list[Measured]:
    return [
        (topic.setting, row.variant, row.estimate)
        for topic, rows in others.items()
        if topic.metric == figure.metric
        and _fits(figure, topic.setting)
        # A number with a note gets no verdict, and its protocol need not be the published one.
        and (topic.protocol is None or topic.protocol.name == PAPER or figure.note)
        for row in rows
        if row.ipc == figure.ipc
        and row.is_own
        and row.variant.method == figure.method
        and figure.coordinates.items() <= _told_of(row).items()
    ]


def _told_of(row: Other) -> dict[str, str]:
    """Coordinates and settings of a measurement, as written in files of published numbers."""
    settings = {f"{SETTING}{name}": str(value) for name, value in row.variant.values.items()}
    places = {name: v if isinstance(v, str) else f"{v:g}" for name, v in row.coordinates}
    return {**settings, **places}


def _of_the_whole(figure: Figure, whole: Mapping[Setting, tuple[float, ...]]) -> list[Measured]:
    if figure.method != WHOLE or figure.metric != ACCURACY or figure.coordinates:
        return []
    return [
        (setting, None, over_seeds_and_networks({0: values}))
        for setting, values in sorted(whole.items())
        if _fits(figure, setting)
    ]


def _fits(figure: Figure, setting: Setting) -> bool:
    usual = not setting.dataset_settings and not setting.apart
    return usual and setting.dataset == figure.dataset and setting.model == figure.model


NO_VERDICT = "no verdict"


def _verdict(
    figure: Figure, setting: Setting, variant: Variant | None, measured: Estimate
) -> tuple[str, str]:
    """The verdict, and the reason if there is none."""
    if setting.budget != PAPER or setting.budget_changes:
        return NO_VERDICT, f"budget {budget_label(setting).full}"
    if figure.note:
        return NO_VERDICT, figure.note
    reason = "" if variant is None else _departure(variant, figure)
    if reason:
        return NO_VERDICT, reason
    if measured.half_width is None:
        return NO_VERDICT, "one value, no interval"
    inside = abs(measured.mean - figure.value) <= measured.half_width
    return ("inside the interval" if inside else "outside the interval"), ""


def _departure(variant: Variant, figure: Figure) -> str:
    """Why the settings are not those of the published number; "" if all of them are."""
    if variant.origin:
        return "the set was made elsewhere and is only scored here"
    published = published_settings(variant.method, variant.version, figure.dataset, figure.ipc)
    if published is None:
        return "the published settings of this version are not known here"
    if published.other_ipc:
        return "no settings are published for this ipc"
    wanted = {name.removeprefix(SETTING) for name in figure.coordinates if name.startswith(SETTING)}
    stand_in = [name for name in published.unpublished if name not in wanted]
    if stand_in:
        return f"not published: {', '.join(stand_in)}"
    # A setting that a record lacks is newer than the record, and its default does nothing.
    if any(
        name not in published.values or canonical(value) != canonical(published.values[name])
        for name, value in variant.values.items()
        if name not in wanted
    ):
        return "settings are not the published ones"
    return ""
