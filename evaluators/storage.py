"""Size of a set: bytes of images and labels, compared with those of the real data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TYPE_CHECKING

from ddbench import (
    Coordinates,
    DistilledSet,
    Evaluator,
    EvaluatorSettings,
    FinishedRun,
    Measurement,
    NotScorable,
    setting,
)
from ddbench.figures import COLOURS, new_figure
from ddbench.records.units import size
from ddbench.scoring.protocols import Protocol

from ._coded_images import CODINGS, JPEG, QUALITY, UINT8

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PARTS = ("images", "labels", "soft labels")
STORED = "stored"
SET, CODED, REAL = "float32", UINT8, "real, uint8"


class Storage(Evaluator):
    """Bytes of the set as it is scored, and with one byte per pixel value as in real images.

    Images per class are not the budget: soft labels and float32 pixels take space, too. One byte
    per pixel value is what the set would take at the precision of the real images; learned pixels
    would have to be rounded for that, and the rounded set is not what is scored. Class ids count
    as 8 bytes each on both sides.

    Under each protocol of the run it gives the size of the labels: those kept with the images and,
    if a teacher labels each batch, the teacher's own bytes, the number of images that it labels for
    one student, and what its labels of all epochs would take in float16. Nothing is trained for
    this. A decoder of tiles is a rule and takes no space.

    On request, it trains students on the set after rounding to 8 bits, and after JPEG, and compares
    them with those of the set as it is, network by network.
    """

    @dataclass
    class Settings(EvaluatorSettings):
        """Settings of the storage."""

        scored: bool = setting(False, "also score the set in 8 bits and as JPEG")

    settings: Settings

    def evaluate(self, run: FinishedRun) -> list[Measurement]:
        """Bytes by part and coding, in total, per class, and as a share; then those of labels."""
        found = self._bytes(run) + [m for p in run.protocols for m in _of_labels(run, p)]
        return found + (self._scored(run) if self.settings.scored else [])

    def _scored(self, run: FinishedRun) -> list[Measurement]:
        """Accuracy of the set in each coding, less that of the set as it is, and JPEG's bytes."""
        distilled = run.distilled
        if run.lab.space.is_per_image:
            why = f"pixels cannot be recovered from the input space {run.lab.space.name}"
            return [Measurement("storage_accuracy", None, "fraction", (), {}, note=why)]
        coded = {coding: code(distilled, run.lab) for coding, code in CODINGS.items()}
        place: Coordinates = {"of": PARTS[0], "coding": JPEG, "quality": QUALITY}
        measurements = [Measurement("storage", float(coded[JPEG][1]), "bytes", (), place)]
        for protocol in run.protocols:
            try:
                own = _accuracies(run, "the set", distilled, protocol)
                others = {
                    coding: _accuracies(run, f"the set in {coding}", one, protocol)
                    for coding, (one, _) in coded.items()
                }
            except NotScorable as reason:
                where: Coordinates = {"protocol": protocol.label}
                note = f"{protocol.label}: {reason}"
                measurements.append(
                    Measurement("storage_accuracy", None, "fraction", (), where, note=note)
                )
                continue
            for coding, values in others.items():
                less = tuple(a - b for a, b in zip(values, own, strict=True))
                for metric, numbers in (("", values), ("_difference", less)):
                    name = f"storage_accuracy{metric}"
                    where = {"coding": coding, "protocol": protocol.label}
                    measurements.append(
                        Measurement(name, fmean(numbers), "fraction", numbers, where)
                    )
        return measurements

    def _bytes(self, run: FinishedRun) -> list[Measurement]:
        """Bytes by part and coding, in total, per class, and as a share of the real data."""
        distilled, real = run.distilled, run.dataset.train
        soft = 0 if distilled.soft_labels is None else distilled.soft_labels.nbytes
        ids = distilled.labels.nbytes
        pixels = distilled.images.numel()
        parts = {
            SET: (4 * pixels, ids, soft),
            CODED: (pixels, ids, soft),
            REAL: (real.images.numel(), real.labels.nbytes, 0),
        }
        whole = sum(parts[REAL])
        measurements = []
        for coding, weights in parts.items():
            total = sum(weights)
            for name, value in (*zip(PARTS, weights, strict=True), ("all", total)):
                where: Coordinates = {"of": name, "coding": coding}
                measurements.append(Measurement("storage", float(value), "bytes", (), where))
            where = {"of": "all", "coding": coding}
            a_class = total / distilled.classes
            measurements.append(Measurement("storage_a_class", a_class, "bytes", (), where))
            if coding != REAL:
                share = total / whole
                measurements.append(Measurement("storage_share", share, "fraction", (), where))
        return measurements

    def figure(self, measurements: Sequence[Measurement]) -> Figure | None:
        """Bytes per class on a logarithmic axis, real data last."""
        totals = [m for m in measurements if m.metric == "storage_a_class" and m.value]
        if not totals:
            return None
        figure = new_figure(7, 2.4)
        axes = figure.subplots()
        values = [m.value or 0 for m in totals]
        colours = [COLOURS[0], COLOURS[3], COLOURS[9]]
        drawn = axes.barh(range(len(values)), values, 0.6, color=colours)
        axes.bar_label(drawn, [size(int(value)) for value in values], padding=4)
        names = {SET: "the set", CODED: "the set, one byte per pixel", REAL: "real training images"}
        titles = [names[str(m.coordinates["coding"])] for m in totals]
        axes.set_yticks(range(len(values)), titles)
        axes.set_xscale("log")
        axes.set_xlim(min(values) / 3, max(values) * 5)
        axes.invert_yaxis()
        axes.set_xlabel("bytes per class, labels included")
        axes.spines[["top", "right"]].set_visible(False)
        return figure


def _of_labels(run: FinishedRun, protocol: Protocol) -> list[Measurement]:
    """Bytes of the labels of a protocol, and images that its teacher labels for one student."""
    where: Coordinates = {"protocol": protocol.label}
    try:
        cost = run.label_cost(protocol)
    except NotScorable as reason:
        note = f"{protocol.label}: {reason}"
        return [Measurement("label_bytes", None, "bytes", (), {**where, "of": STORED}, note)]
    weights = {STORED: cost.stored}
    if cost.teacher is not None:
        weights |= {"every epoch": cost.every_epoch, "teacher": cost.teacher}
    measurements = [
        Measurement("label_bytes", float(value), "bytes", (), {**where, "of": of})
        for of, value in weights.items()
    ]
    if cost.teacher is not None:
        count = float(cost.labelled_images)
        measurements.append(Measurement("labelled_images", count, "images", (), where))
    return measurements


def _accuracies(
    run: FinishedRun, name: str, distilled: DistilledSet, protocol: Protocol
) -> tuple[float, ...]:
    """The accuracy of each evaluation network on a set."""
    return tuple(score.accuracy for score in run.score_union(name, [distilled], protocol))
