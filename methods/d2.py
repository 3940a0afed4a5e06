"""D2 pruning: difficult images of each class, in dense regions, far from each other.

A. Maharana et al., "D2 pruning: message passing for balancing diversity and difficulty in data
pruning" (ICLR 2024), equations 2 to 4, for each class separately. Features and difficulty come from
the same training run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import torch
from torch import Tensor

from ddbench import ImagePasses, Model, setting

from ._dynamics_selection import ScoredSelection, ScoredSettings, hardest_dropped
from ._selection import features_of


def message_passing_order(
    features: Tensor, difficulty: Tensor, n: int, neighbours: int, forward: float, reverse: float
) -> Tensor:
    """Choose images one by one on the nearest-neighbour graph.

    x_i <- s_i + sum_{j in N(i)} exp(-forward d_ij^2) s_j; then repeatedly take the image i with the
    largest x and set x_j <- x_j - exp(-reverse d_ij^2) x_i for its neighbours j.

    Args:
        features: of the N images (N, F).
        difficulty: s (N,).
        n: how many to choose, at most N.
        neighbours: neighbours per image, or all other images if there are fewer.
        forward: gamma of the messages before anything is chosen.
        reverse: gamma of the messages of chosen images.

    Returns:
        Indices (n,) in the order in which they were chosen.
    """
    near = min(neighbours, len(features) - 1)
    if near == 0:
        return torch.arange(n)
    from sklearn.neighbors import NearestNeighbors  # takes a second, and every run imports methods

    graph = NearestNeighbors(n_neighbors=near).fit(features.numpy())
    distance, neighbour = map(torch.from_numpy, graph.kneighbors())
    squared = distance.to(difficulty).square()
    value = difficulty + ((-forward * squared).exp() * difficulty[neighbour]).sum(1)
    lowered = (-reverse * squared).exp()
    taken = torch.zeros(len(value), dtype=torch.bool)
    order = []
    for _ in range(n):
        best = value.masked_fill(taken, -torch.inf).argmax()
        taken[best] = True
        value[neighbour[best]] -= lowered[best] * value[best]
        order.append(best)
    return torch.stack(order)


class D2(ScoredSelection):
    """Greedy choice by difficulty and density, with messages from chosen images to neighbours."""

    @dataclass
    class Settings(ScoredSettings):
        """Settings of D2."""

        dropped: float = setting(
            0.4, "share of the hardest images that are left out", low=0, high=0.99
        )
        neighbours: int = setting(5, "nearest neighbours of an image", low=1)
        forward_gamma: float = setting(
            1.0, "decay with distance of the messages that raise a score", low=0
        )
        reverse_gamma: float = setting(
            0.1, "decay with distance of the messages that lower a score", low=0
        )
        normalise: bool = setting(True, "features of norm 1")

    settings: Settings

    def image_passes(self) -> ImagePasses:
        """The training runs, and one forward pass of the real images."""
        return replace(super().image_passes(), distilling=len(self.task.real) / 2)

    @cached_property
    def network(self) -> Model:
        """The network that gives the features, at the end of its training."""
        return self.networks[0]

    def order(self, difficulty: Tensor, n: int, positions: Tensor) -> Tensor:
        given = self.settings
        kept, dropped = hardest_dropped(difficulty, given.dropped)
        features = features_of(self.task, self.network, positions[kept], given.normalise).cpu()
        gammas = given.forward_gamma, given.reverse_gamma
        at_most = min(n, len(kept))
        picked = message_passing_order(
            features, difficulty[kept], at_most, given.neighbours, *gammas
        )
        # A class that is too small also gives the easiest of its dropped images.
        return torch.cat([kept[picked], dropped])[:n]
