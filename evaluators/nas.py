"""Whether a set ranks architectures as the real data do: NAS-Bench-201 cells trained on it.

Table 3 of the APM paper: 100 cells of NAS-Bench-201 (X. Dong and Y. Yang, ICLR 2020) are trained
on the distilled set, and their order is compared with that of the benchmark's own accuracies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ddbench import (
    Evaluator,
    EvaluatorSettings,
    FinishedRun,
    Measurement,
    NotScorable,
    UserError,
    setting,
)
from ddbench.models.nas_bench_201.cells import CELLS, cell_strings
from ddbench.models.nas_bench_201.table import (
    TRUE_DATASETS,
    TruthTable,
    default_column,
    load_table,
    table_path,
)
from ddbench.models.spec import ModelSpec
from ddbench.runtime.randomness import RandomStream
from ddbench.scoring.protocols import Protocol, protocol_named
from ddbench.scoring.students import Score, score_student, score_whole
from ddbench.store.files import digest, digest_of_file
from ddbench.training.lab import Lab

from ._nas_figure import ranking_figure
from ._nas_measurements import (
    Coordinates,
    accuracy_measurement,
    difference_measurements,
    ranking_measurements,
)
from ._ranking import Values, bootstrap_rho, resamples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Work = Callable[[Lab], Score]
"""Scores one architecture in its lab."""
MODEL = "nas_bench_201"
PAPER_CELLS, FEWEST_CELLS = 100, 12
CHANNELS, CELLS_PER_STACK = (16, 4), (5, 1)
"""For the benchmark's networks, and for the small ones that a CPU can train."""


class Nas(Evaluator):
    """Rank correlation with NAS-Bench-201 of cells trained once each on the set.

    The set is compared with its control, with ranking by the number of parameters (which trains
    nothing) and, on request, with training on all real images. Every cell starts from evaluation
    network 0's random numbers and is scored after its last step.
    """

    @dataclass
    class Settings(EvaluatorSettings):
        """Settings of nas."""

        cells: int | None = setting(
            None,
            f"cells; null: {PAPER_CELLS} times the budget's share of evaluation, "
            f"{FEWEST_CELLS} at least",
            low=3,
            high=CELLS,
        )
        cell_seed: int = setting(
            0,
            "seed of the choice of cells; with one seed, a larger choice contains a smaller one",
            low=0,
        )
        indices: list[int] | None = setting(
            None, "the cells by their index in the benchmark, instead of a random choice"
        )
        truth: str | None = setting(
            None, "column of the table; null: test accuracy after 200 epochs on the run's dataset"
        )
        protocol: str = setting("hard", "labels and recipe of the cells' training")
        epochs: int = setting(200, "epochs on a set, scaled by the budget", low=1)
        channels: int | None = setting(
            None,
            "channels of the first stack; null: 16 with an accelerator, 4 on a CPU",
            low=1,
            high=1024,
        )
        cells_per_stack: int | None = setting(
            None, "cells per stack; null: 5 with an accelerator, 1 on a CPU", low=1, high=100
        )
        processes: int | None = setting(
            None,
            "cells in training at once, each with one thread; null: as many as the run has "
            "threads, 1 with an accelerator",
            low=1,
            high=1024,
        )
        whole: bool | None = setting(
            None, "whether the cells are trained on all real images, too; null: as the run's whole"
        )
        whole_epochs: int = setting(20, "epochs on all real images, scaled by the budget", low=1)
        resamples: int = setting(
            2000, "bootstrap resamples of the cells, for the interval", low=100, high=1_000_000
        )

        def __post_init__(self) -> None:
            """Check the protocol's name and the list of cells."""
            super().__post_init__()
            protocol_named(self.protocol)
            chosen = self.indices
            if chosen is None:
                return
            if len(set(chosen)) != len(chosen) or len(chosen) < 3:
                raise UserError(f"indices={chosen}: at least 3 cells, each of them once")
            wrong = [index for index in chosen if not 0 <= index < CELLS]
            if wrong:
                raise UserError(f"indices: {wrong[0]} is not a cell of 0..{CELLS - 1}")

    settings: Settings

    def identity(self, dataset: str, data_root: Path) -> dict[str, Any]:
        """The digest of the table, so that a run without truth is redone once there is a table."""
        path = table_path(data_root)
        if dataset not in TRUE_DATASETS or not path.is_file():
            return {}
        return {"table": digest_of_file(path)}

    def skip(self, run: FinishedRun) -> str | None:
        dataset, root = run.task.dataset, run.data_root
        if dataset not in TRUE_DATASETS:
            known = ", ".join(TRUE_DATASETS)
            return f"NAS-Bench-201 has no truth for {dataset}; it has for {known}"
        if not run.dataset.is_whole:
            return f"NAS-Bench-201 has no truth for some classes of {dataset} alone"
        try:
            table = load_table(root)
        except UserError as error:
            return str(error)
        column = self._column(run)
        if column not in table.accuracies or not column.startswith(f"{dataset}_"):
            own = [name for name in table.accuracies if name.startswith(f"{dataset}_")]
            return (
                f"{table_path(root)} has no column {column} of {dataset}; it has {', '.join(own)}"
            )
        found = len(self._chosen(run, table))
        wanted = self._wanted(run)
        if found < wanted:
            return f"{table_path(root)} has {column} for {found} of {wanted} cells"
        return None

    def evaluate(self, run: FinishedRun) -> list[Measurement]:
        table = load_table(run.data_root)
        indices = self._chosen(run, table)
        truth = table.accuracies[self._column(run)][indices]
        channels, depth = self._size(run)
        where: Coordinates = {
            "truth": self._column(run),
            "table": table.digest[:12],
            "cells": f"{len(indices)} cells {digest(str(indices).encode())[:8]}",
        }
        dataset = run.dataset
        shape = (dataset.channels, dataset.resolution, dataset.classes)
        parameters = np.array([_parameters(index, *shape) for index in indices], dtype=np.float64)
        measurements = [
            Measurement("cell_index", len(indices), "cells", _plain(indices), where),
            Measurement("cell_truth", float(truth.mean()), "fraction", _plain(truth), where),
            Measurement(
                "cell_parameters", float(parameters.mean()), "parameters", _plain(parameters), where
            ),
        ]
        drawn = resamples(len(indices), self.settings.resamples, self.settings.cell_seed)
        rhos: dict[str, Values] = {}
        protocol = protocol_named(self.settings.protocol)
        specs = [self._spec(run, index) for index in indices]
        for subject, rules, work, processes in self._searches(run):
            place: Coordinates = {
                "subject": subject,
                "protocol": rules,
                "network": f"{channels} channels, {depth} per stack",
                "split": run.split,
                **where,
            }
            try:
                if subject in run.subjects:
                    place["labels"] = run.training_set(subject, protocol).regime
                scores = run.score_models(work(), specs, f"cells on {subject}", processes)
            except NotScorable as reason:
                measurements.append(
                    Measurement("spearman_rho", None, "rho", (), place, str(reason))
                )
                continue
            accuracy = np.array([score.accuracy for score in scores])
            measurements += [
                accuracy_measurement(scores, place),
                *ranking_measurements(truth, accuracy, drawn, place),
                Measurement(
                    "search_time", sum(s.wall_seconds for s in scores), "seconds", (), place
                ),
            ]
            rhos[subject] = bootstrap_rho(truth, accuracy, drawn)
        measurements += ranking_measurements(
            truth, parameters, drawn, {"subject": "number of parameters", **where}
        )
        return [*measurements, *difference_measurements(measurements, rhos, list(run.subjects))]

    def figure(self, measurements: Sequence[Measurement]) -> Figure | None:
        return ranking_figure(measurements)

    def _searches(self, run: FinishedRun) -> Iterator[tuple[str, str, Callable[[], Work], int]]:
        """For each search: subject, rules, a function that returns the work, and processes.

        That function raises `NotScorable` if the subject cannot be scored.
        """
        protocol = protocol_named(self.settings.protocol)
        epochs = max(1, round(self.settings.epochs * run.budget.evaluation))
        usual = run.threads if run.device_type == "cpu" else 1
        for name in run.subjects:
            work = partial(_of_subject, run, name, protocol, epochs)
            rules = f"{protocol.label}, {epochs} epochs"
            yield name, rules, work, self.settings.processes or usual
        if run.whole if self.settings.whole is None else self.settings.whole:
            long = max(1, round(self.settings.whole_epochs * run.budget.teachers))
            # All real images keep every thread busy.
            whole = partial(score_whole, budget=run.budget, index=0, epochs=long)
            yield "whole", f"whole/1, {long} epochs", lambda: whole, 1

    def _column(self, run: FinishedRun) -> str:
        return self.settings.truth or default_column(run.task.dataset)

    def _wanted(self, run: FinishedRun) -> int:
        if self.settings.indices is not None:
            return len(self.settings.indices)
        scaled = max(FEWEST_CELLS, round(PAPER_CELLS * run.budget.evaluation))
        return self.settings.cells or scaled

    def _chosen(self, run: FinishedRun, table: TruthTable) -> list[int]:
        """The indices of the chosen cells, whose truth is known."""
        if self.settings.indices is not None:
            candidates = self.settings.indices
        else:
            stream = RandomStream(self.settings.cell_seed, ("cells of NAS-Bench-201",))
            candidates = torch.randperm(CELLS, generator=stream.generator()).tolist()
        truth = table.accuracies[self._column(run)]
        return [index for index in candidates if np.isfinite(truth[index])][: self._wanted(run)]

    def _size(self, run: FinishedRun) -> tuple[int, int]:
        small = run.device_type == "cpu"
        own = self.settings
        return own.channels or CHANNELS[small], own.cells_per_stack or CELLS_PER_STACK[small]

    def _spec(self, run: FinishedRun, index: int) -> ModelSpec:
        return _spec(index, *self._size(run))


def _of_subject(run: FinishedRun, subject: str, protocol: Protocol, epochs: int) -> Work:
    """Score a cell on a set: evaluation network 0, for this many epochs."""
    learnt = run.training_set(subject, protocol)
    recipe = learnt.recipe.scaled(epochs / learnt.recipe.epochs)
    title = f"{MODEL} on {subject} {protocol.label}"
    training_set = replace(learnt, recipe=recipe)
    return partial(
        score_student, training_set=training_set, protocol=protocol, index=0, title=title
    )


def _spec(index: int, channels: int, depth: int) -> ModelSpec:
    architecture = cell_strings()[index]
    settings = {"architecture": architecture, "channels": channels, "cells_per_stack": depth}
    return ModelSpec(MODEL, settings)


@cache
def _parameters(index: int, channels: int, resolution: int, classes: int) -> int:
    """Number of trainable parameters of a cell's network at the benchmark's own size."""
    spec = _spec(index, CHANNELS[0], CELLS_PER_STACK[0])
    with torch.device("meta"):
        network = spec.build(channels, resolution, classes, RandomStream(0))
    return sum(parameter.numel() for parameter in network.parameters())


def _plain(values: Any) -> tuple[float, ...]:
    return tuple(np.asarray(values).tolist())
