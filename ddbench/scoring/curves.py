"""Accuracy of a student during training: the same student as for a score, tested along the way.

Nothing is selected: every point is measured, and the last one is the score.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from ..records.cost import STEPS, PhaseCost
from ..runtime.checkpoint import Checkpoint
from ..runtime.resumable import run_resumably
from ..runtime.runtime import Product
from ..training.lab import Lab
from ..training.recipe import SnapshotFormat
from .protocols import Protocol
from .students import accuracy_of, begin_student, student_identity
from .training_sets import TrainingSet

KIND = "curve"


@dataclass(frozen=True)
class Curve:
    """The accuracy of one student after some of its epochs.

    Args:
        epochs: numbers of completed epochs, ascending; the last is the end of training.
        accuracies: accuracy after each, fractions in [0, 1].
        seconds: training time, without tests.
        steps_per_epoch: optimiser steps per epoch.
        images_per_epoch: images that the student sees per epoch.
        cost: cost of training and testing.
        key: key of the curve in the store.
        diverged: whether its final loss was not finite.
    """

    epochs: tuple[int, ...]
    accuracies: tuple[float, ...]
    seconds: float
    steps_per_epoch: int
    images_per_epoch: int
    cost: dict[str, Any]
    key: str
    diverged: bool

    @property
    def seconds_at(self) -> tuple[float, ...]:
        """Training time up to each point, assuming equally long epochs."""
        return tuple(self.seconds * epoch / self.epochs[-1] for epoch in self.epochs)

    @property
    def steps_at(self) -> tuple[int, ...]:
        """Optimiser steps up to each point."""
        return tuple(self.steps_per_epoch * epoch for epoch in self.epochs)

    @property
    def images_at(self) -> tuple[int, ...]:
        """Images seen up to each point, counted with repetition."""
        return tuple(self.images_per_epoch * epoch for epoch in self.epochs)


def curve_epochs(epochs: int, points: int) -> tuple[int, ...]:
    """At most `points` epoch numbers from 1 to `epochs`, geometrically spaced up to rounding."""
    if points == 1:
        return (epochs,)
    steps = (point / (points - 1) for point in range(points))
    return tuple(sorted({round(epochs**step) for step in steps}))


def curve_of_student(
    lab: Lab, training_set: TrainingSet, protocol: Protocol, index: int, title: str, points: int
) -> Curve:
    """Train evaluation network `index` as `score_student` does, and test it at several epochs.

    Args:
        lab: data, model, and store of the curve.
        training_set: what the student learns from.
        protocol: the protocol of the training set.
        index: index of the network.
        title: title of the progress line.
        points: most points, see `curve_epochs`; the last is the end of training.
    """
    runtime = lab.runtime
    epochs = curve_epochs(training_set.recipe.epochs, points)
    recipe = replace(
        training_set.recipe, snapshot_epochs=epochs, snapshot_format=SnapshotFormat.float32
    )

    def make(checkpoint: Checkpoint) -> Product:
        begin = partial(begin_student, lab, replace(training_set, recipe=recipe), index)
        training, parts = run_resumably(begin, title, runtime, checkpoint)
        cost = PhaseCost.total(part.plain() for part in parts.values())
        with runtime.meter.measure(cost):
            networks = (lab.frozen(training.snapshots[epoch]) for epoch in epochs)
            accuracies = [accuracy_of(network, lab.data.scored) for network in networks]
        return {
            "accuracies": accuracies,
            "seconds": parts[STEPS].wall_seconds,
            "steps_per_epoch": training.steps_per_epoch,
            "cost": cost.plain(),
            "diverged": not math.isfinite(float(training.loss)),
        }, None

    identity = {
        **student_identity(lab, training_set, protocol, index),
        "points": list(epochs),
    }
    found = runtime.make_once(KIND, identity, "the same curve", make, lab.code)
    facts = found.facts
    return Curve(
        epochs,
        tuple(facts["accuracies"]),
        facts["seconds"],
        facts["steps_per_epoch"],
        recipe.images_per_epoch(len(training_set.images)),
        facts["cost"],
        found.key,
        facts["diverged"],
    )
