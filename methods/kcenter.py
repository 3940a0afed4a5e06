"""K-center: real images such that every image of their class is near one of them.

O. Sener, S. Savarese, "Active learning for convolutional neural networks: a core-set approach"
(ICLR 2018), Algorithm 1 (greedy), on the features of one teacher and for each class separately. The
paper leaves the first image open; here it is the one nearest to the class's mean.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ._feature_selection import FeatureSelection


def farthest_first_order(features: Tensor, n: int) -> Tensor:
    """Start nearest to the mean, then always take the image farthest from all taken so far.

    p_k = argmax_x min_{j<k} || phi(x) - phi(p_j) ||   (Sener & Savarese, Algorithm 1)

    Args:
        features: phi of the N images (N, F).
        n: how many to choose, at most N.

    Returns:
        Positions (n,) in the order in which they were chosen.
    """
    order = [(features - features.mean(0)).square().sum(1).argmin()]
    distance = torch.full_like(features[:, 0], torch.inf)
    for _ in range(1, n):
        distance = torch.minimum(distance, (features - features[order[-1]]).square().sum(1))
        # Copies of a chosen image have distance 0; the chosen ones must never be taken again.
        distance[order[-1]] = -1.0
        order.append(distance.argmax())
    return torch.stack(order)


class KCenter(FeatureSelection):
    """Greedy k-center in a teacher's feature space."""

    def order(self, features: Tensor, n: int, class_id: int) -> Tensor:
        return farthest_first_order(features, n)
