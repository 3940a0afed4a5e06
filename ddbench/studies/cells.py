"""The cells of a study, grouped over distillation seeds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from ..records.measurement import Measurement
from ..records.record import Record
from ..records.statistics import Estimate, over_seeds_and_networks
from .study import Study

TASK_WORDS = (
    "dataset", "ipc", "ratio", "seed", "group", "network_seed", "validation", "model",
    "input_space", "budget", "budget.networks", "protocols", "evaluators", "control", "whole",
    "device", "fresh", "trackers", "config_dir", "runs_root", "data_root",
)  # fmt: skip
"""Keys that do not name an arm: they are part of the panel, or cells are grouped over them."""


@dataclass(frozen=True)
class Cell:
    """One finished run of a study.

    Args:
        words: its overrides, by key.
        record: its record.
    """

    words: dict[str, str]
    record: Record

    @property
    def panel(self) -> str:
        """The task without its seed; cells are compared within a panel."""
        task, budget = self.record.task, self.record.budget
        held_out = f", validation {task.validation:g}" if task.validation else ""
        shape = ", ".join(f"{k} {v}" for k, v in task.dataset.settings.items())
        name = task.dataset.shown_name
        dataset = f"{name} ({shape})" if shape else name
        return (
            f"{dataset} ipc {task.ipc_in_words}, {task.model.label}, "
            f"{task.input_space}, {budget.name} ({budget.networks} per score){held_out}"
        )

    @property
    def protocols(self) -> list[str]:
        """The labels of the protocols under which it was scored."""
        return [protocol.label for protocol in self.record.protocols]

    def has(self, words: str) -> bool:
        """Whether the cell has all these overrides, such as "method=dm method.image_rate=1"."""
        return all(self.words.get(key) == value for key, _, value in map(_parted, words.split()))

    def series(self, study: Study, without: Sequence[str] = ()) -> str:
        """The name of the cell's series within its panel."""
        own = {
            key: value
            for key, value in self.words.items()
            if key not in (*TASK_WORDS, *without) and not key.startswith(("dataset.", "model."))
        }
        told = [study.labels.get(f"{key}={value}", f"{key}={value}") for key, value in own.items()]
        return ", ".join(told) or self.record.method.name

    def values(self, protocol: str) -> list[float]:
        """Accuracy of each evaluation network under a protocol; empty if it was not scored."""
        name = self.record.method.name
        return list(self._measured("accuracy", protocol=protocol, subject=name).values)

    def differences(self, protocol: str) -> list[float]:
        """Accuracy minus the control's, network by network."""
        return list(self._measured("accuracy_difference", protocol=protocol).values)

    def metric(self, name: str) -> list[float]:
        """All values of another metric of this cell."""
        return [
            m.value for m in self.record.measurements if m.metric == name and m.value is not None
        ]

    def _measured(self, metric: str, **where: str) -> Measurement:
        for m in self.record.measurements:
            if m.metric == metric and all(m.coordinates.get(k) == v for k, v in where.items()):
                return m
        return Measurement(metric, None, "")


def over_seeds(per_seed: Iterable[Sequence[float]]) -> Estimate | None:
    """The mean over seeds of each seed's mean over networks; None if there are no values.

    Each seed is one value, so with too few seeds there is no interval over networks instead, which
    would not apply to distilling again.
    """
    means = {number: [fmean(values)] for number, values in enumerate(per_seed) if values}
    return over_seeds_and_networks(means) if means else None


def grouped(cells: Iterable[Cell], study: Study) -> dict[str, dict[str, list[Cell]]]:
    """Cells by panel and by series, in their own order; a series holds all its seeds."""
    panels: dict[str, dict[str, list[Cell]]] = {}
    for cell in cells:
        panels.setdefault(cell.panel, {}).setdefault(cell.series(study), []).append(cell)
    return panels


def paired(first: Sequence[Cell], second: Sequence[Cell]) -> list[tuple[Cell, Cell]]:
    """Pairs of cells with the same seed, group and network seed."""
    places = {_place(cell): cell for cell in second}
    return [(cell, places[_place(cell)]) for cell in first if _place(cell) in places]


def cell_words(overrides: Iterable[str], without: Iterable[str] = ()) -> dict[str, str]:
    """Overrides such as "ipc=1" by key, except those whose keys are in `without`."""
    left_out = {_parted(word)[0] for word in without}
    parted = map(_parted, overrides)
    return {key: value for key, _, value in parted if key not in left_out}


def swept_keys(overrides: Iterable[Iterable[str]]) -> set[str]:
    """The keys with more than one value among the cells."""
    values: dict[str, set[str]] = {}
    for words in overrides:
        for key, _, value in map(_parted, words):
            values.setdefault(key, set()).add(value)
    return {key for key, found in values.items() if len(found) > 1}


def distinct(cells: Iterable[Cell]) -> list[Cell]:
    """The cells without duplicates, that is cells with the same overrides and the same run."""
    known = {(tuple(sorted(cell.words.items())), cell.record.run): cell for cell in cells}
    return list(known.values())


def _parted(word: str) -> tuple[str, str, str]:
    return word.partition("=")


def _place(cell: Cell) -> tuple[Any, ...]:
    task = cell.record.task
    return task.seed, task.group, task.network_seed
