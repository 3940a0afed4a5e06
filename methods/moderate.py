"""Moderate: images of each class whose features are at a medium distance from its median.

X. Xia et al., "Moderate coreset: a universal method of data selection for real-world data-efficient
deep learning" (ICLR 2023), equation 3 and released code, for each class separately.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ._feature_selection import FeatureSelection


def middle_out_order(features: Tensor, n: int) -> Tensor:
    """Order images by the rank of their distance to the class's median, from the middle outwards.

    Args:
        features: of the N images (N, F).
        n: how many to choose, at most N.

    Returns:
        Indices (n,); of two ranks equally far from the middle, the nearer image comes first.
    """
    median = torch.from_numpy(np.median(features.cpu().numpy(), axis=0)).to(features)
    by_distance = (features - median).square().sum(1).argsort(stable=True)
    ranks = torch.arange(len(features), device=features.device)
    outwards = (2 * ranks - (len(features) - 1)).abs().argsort(stable=True)
    return by_distance[outwards[:n]]


class Moderate(FeatureSelection):
    """The middle ranks of each class by distance to its median in a teacher's feature space."""

    def order(self, features: Tensor, n: int, class_id: int) -> Tensor:
        return middle_out_order(features, n)
