"""How near each image of a set is to a real one: whether a set is made of copies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ddbench import Coordinates, Evaluator, EvaluatorSettings, FinishedRun, Measurement, setting
from ddbench.figures import new_figure, series_style
from ddbench.runtime.randomness import RandomStream

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BATCH = 256  # real images at a time
QUANTILES = 21
METRIC, COPIES = "nearest_real_distance", "near_copies"

Vectors = Callable[[Tensor], Tensor]
"""Maps images (B, C, H, W) in the input space to the vectors (B, D) that are compared."""


class NearestReal(Evaluator):
    """The distance of each image to the nearest real training image, by pixels and by features.

    Distances are Euclidean, between pixels in the run's input space and between features of the
    label teacher. Each is divided by the median distance of a real image to the nearest other one,
    so that a copy is at 0, and at 1 an image is as near to a real one as real images are to each
    other. The control is made of real images and so of copies.

    Measured for each set: the median over its images, with the quantiles from minimum to maximum in
    steps of a twentieth as its values; and the fraction of near copies, images at distances below
    `near`.
    """

    @dataclass
    class Settings(EvaluatorSettings):
        """Settings of the evaluator."""

        near: float = setting(0.5, "distance below which an image is a near copy", above=0)
        sample: int = setting(
            500, "real images whose distance to the nearest other one is taken", low=2
        )

    settings: Settings

    @torch.no_grad()
    def evaluate(self, run: FinishedRun) -> list[Measurement]:
        """Distances as multiples of that between real images, and fractions of images."""
        teacher = run.label_teacher()
        found = []
        kinds: dict[str, Vectors] = {"pixels": lambda x: x.flatten(1), "features": teacher.features}
        for kind, vectors in kinds.items():
            found += self._measured(run, kind, vectors)
        return found

    def _measured(self, run: FinishedRun, kind: str, vectors: Vectors) -> list[Measurement]:
        real = run.lab.real
        sets = {name: one.decoded().images.to(real.device) for name, one in run.subjects.items()}
        generator = RandomStream(0, ("nearest-real",)).generator()
        sample = torch.randperm(len(real), generator=generator)[: self.settings.sample]
        parts = [part for images in sets.values() for part in images.split(BATCH)]
        queries = torch.cat([vectors(part).flatten(1) for part in parts])
        others = torch.cat([vectors(real.images(part)).flatten(1) for part in sample.split(BATCH)])
        none = torch.full((len(queries),), -1)
        distances = nearest_distances(
            torch.cat([queries, others]),
            torch.cat([none, sample]),
            lambda index: vectors(real.images(index)).flatten(1),
            len(real),
        )
        *own, between = distances.split([*map(len, sets.values()), len(sample)])
        usual = between.median().item()
        measurements = []
        for name, each in zip(sets, own, strict=True):
            place: Coordinates = {"subject": name, "of": kind}
            if usual == 0:
                note = f"most real images have a copy among the others by {kind}"
                measurements.append(Measurement(METRIC, None, "ratio", (), place, note=note))
                continue
            ratios = each.double().cpu() / usual
            spread = ratios.quantile(torch.linspace(0, 1, QUANTILES, dtype=torch.float64))
            median, near = ratios.quantile(0.5).item(), (ratios < self.settings.near).double()
            measurements.append(Measurement(METRIC, median, "ratio", tuple(spread.tolist()), place))
            below: Coordinates = {**place, "below": self.settings.near}
            measurements.append(Measurement(COPIES, near.mean().item(), "fraction", (), below))
        return measurements

    def figure(self, measurements: Sequence[Measurement]) -> Figure | None:
        """The share of each set's images within a distance, by pixels and by features."""
        drawn = [m for m in measurements if m.metric == METRIC and m.values]
        if not drawn:
            return None
        kinds = list(dict.fromkeys(str(m.coordinates["of"]) for m in drawn))
        subjects = list(dict.fromkeys(str(m.coordinates["subject"]) for m in drawn))
        figure = new_figure(1 + 3.6 * len(kinds), 3.4)
        panels = figure.subplots(1, len(kinds), sharey=True, squeeze=False)[0]
        for kind, axes in zip(kinds, panels, strict=True):
            for m in drawn:
                if m.coordinates["of"] == kind:
                    number = subjects.index(str(m.coordinates["subject"]))
                    shares = [100 * step / (QUANTILES - 1) for step in range(QUANTILES)]
                    name = subjects[number]
                    axes.plot(m.values, shares, label=name, markersize=4, **series_style(number))
            axes.axvline(1, color="black", linewidth=0.8, linestyle=":")
            axes.set_xlim(left=-0.05)
            axes.set_title(f"by {kind}", fontsize="medium")
            axes.set_xlabel(
                "distance to the nearest real image\n0: a copy; 1: as between real ones"
            )
            axes.spines[["top", "right"]].set_visible(False)
        panels[0].set_ylabel("images within that distance, %")
        panels[-1].legend(frameon=False)
        return figure


def nearest_distances(queries: Tensor, own: Tensor, vectors: Vectors, count: int) -> Tensor:
    """The Euclidean distance (M,) of each query to the nearest of `count` real images.

    Args:
        queries: (M, D).
        own: positions (M,) of the queries among the real images, with which they are not compared;
            -1 for those that are not among them.
        vectors: maps positions (B,) of real images to the vectors (B, D) that are compared.
        count: number of real images.
    """
    least = torch.full((len(queries),), torch.inf, device=queries.device, dtype=queries.dtype)
    nearest = torch.zeros(len(queries), dtype=torch.int64, device=queries.device)
    own = own.to(queries.device)
    for positions in torch.arange(count).split(BATCH):
        distance = torch.cdist(queries, vectors(positions))
        positions = positions.to(queries.device)
        distance = distance.masked_fill(positions == own[:, None], torch.inf)
        best = distance.min(1)
        closer = best.values < least
        least = torch.where(closer, best.values, least)
        nearest = torch.where(closer, positions[best.indices], nearest)
    # Distances by matrix products are not exactly 0 for copies; these are.
    parts = zip(queries.split(BATCH), nearest.cpu().split(BATCH), strict=True)
    return torch.cat([(mine - vectors(index)).norm(dim=1) for mine, index in parts])
