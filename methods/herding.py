"""Herding: real images whose mean feature stays near that of their class.

M. Welling, "Herding dynamical weights to learn" (ICML 2009), in the form of S.-A. Rebuffi et al.,
"iCaRL" (CVPR 2017), Algorithm 4, on the features of one teacher.
"""

from __future__ import annotations

import torch
from torch import Tensor

from ._feature_selection import FeatureSelection


def herding_order(features: Tensor, n: int) -> Tensor:
    """Choose images one by one so that the mean of the chosen stays near the mean of all.

    p_k = argmin_x || mu - 1/k (phi(x) + sum_{j<k} phi(p_j)) ||, no image twice (iCaRL, Algorithm 4)

    Args:
        features: phi of the N images (N, F).
        n: how many to choose, at most N.

    Returns:
        Positions (n,) in the order in which they were chosen.
    """
    mean, total = features.mean(0), torch.zeros_like(features[0])
    taken = torch.zeros(len(features), dtype=torch.bool, device=features.device)
    order = []
    for k in range(1, n + 1):
        distance = (mean - (features + total) / k).square().sum(1)
        best = distance.masked_fill(taken, torch.inf).argmin()
        total, taken[best] = total + features[best], True
        order.append(best)
    return torch.stack(order)


class Herding(FeatureSelection):
    """Greedy matching of the class mean in a teacher's feature space."""

    def order(self, features: Tensor, n: int, class_id: int) -> Tensor:
        return herding_order(features, n)
