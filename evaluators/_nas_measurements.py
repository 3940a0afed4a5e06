"""The measurements of `nas` for one ranking of the cells."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ddbench import Measurement
from ddbench.scoring.students import Score

from ._ranking import Values, bootstrap_rho, kendall, percentile_interval, spearman, top_regret

TOP = 10
NOT_THE_PAPERS = (
    "the truth is the benchmark's own accuracy; published rho are against 50 epochs of training "
    "ranked on held-out images, so they are not directly comparable"
)

Coordinates = dict[str, str | int | float]


def accuracy_measurement(scores: list[Score], place: Coordinates) -> Measurement:
    """The accuracies of all cells, with a note where a network diverged."""
    diverged = sum(score.diverged for score in scores)
    note = f"{diverged} of {len(scores)} cells on {place['subject']} diverged" if diverged else ""
    values = tuple(score.accuracy for score in scores)
    return Measurement("cell_accuracy", statistics.fmean(values), "fraction", values, place, note)


def ranking_measurements(
    truth: Values, proxy: Values, drawn: NDArray[np.int64], place: Coordinates
) -> list[Measurement]:
    """Rho with its bootstrap interval, tau, and the regret of the top 10.

    Args:
        truth: accuracies in the benchmark, fractions (cells,).
        proxy: what ranks the cells, (cells,).
        drawn: resamples of the cells, (resamples, cells).
        place: coordinates.
    """
    rho, tau = spearman(truth, proxy), kendall(truth, proxy)
    constant = f"all cells are equal by {place['subject']}"
    interval = None if rho is None else percentile_interval(bootstrap_rho(truth, proxy, drawn))
    note = constant if rho is None else NOT_THE_PAPERS
    found = [
        Measurement("spearman_rho", rho, "rho", (), place, note, interval),
        Measurement("kendall_tau", tau, "tau", (), place, constant if tau is None else ""),
    ]
    if len(truth) > TOP:
        regret = top_regret(truth, proxy, TOP)
        found.append(Measurement(f"top{TOP}_regret", regret, "fraction", (), place))
    return found


def difference_measurements(
    measurements: Sequence[Measurement], rhos: dict[str, Values], subjects: list[str]
) -> list[Measurement]:
    """Rho of the set less that of its control, on the same resamples of the cells.

    Args:
        measurements: of the rankings.
        rhos: of the resamples, by subject.
        subjects: the set's name, then its control's.
    """
    rho = {one.coordinates["subject"]: one for one in measurements if one.metric == "spearman_rho"}
    pair = [name for name in subjects if name in rhos and rho[name].value is not None]
    if len(pair) != 2:
        return []
    own, control = (rho[name] for name in pair)
    assert own.value is not None
    assert control.value is not None
    return [
        Measurement(
            "spearman_rho_difference",
            own.value - control.value,
            "rho",
            (),
            {**own.coordinates, "control": pair[1]},
            "",
            percentile_interval(rhos[pair[0]] - rhos[pair[1]]),
        )
    ]
