"""k-means: the image nearest to the centre of each of ipc clusters of its class.

Lloyd's algorithm (scikit-learn's) on the features of one teacher. Larger clusters come first.
"""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

from ddbench.runtime.randomness import RandomStream

from ._feature_selection import FeatureSelection
from ._selection import group_by_group


def nearest_to_centres(features: Tensor, n: int, seed: int) -> Tensor:
    """Cluster images, and choose the one nearest to each cluster's centre.

    Args:
        features: of the N images (N, F), on the CPU.
        n: number of clusters, at most N.
        seed: seed of the initial centres (k-means++).

    Returns:
        Indices (n,), the largest cluster's first. If duplicate images leave fewer than `n`
        clusters, the first images that were not chosen follow.
    """
    # Imported here, since every run imports every method, and this takes a second and 120 MB.
    from sklearn.cluster import KMeans as Clustering
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1), warnings.catch_warnings():  # sums in a fixed order
        warnings.simplefilter("ignore", ConvergenceWarning)  # from duplicate images
        found = Clustering(n, n_init=1, random_state=seed).fit(features.numpy())
    centres, cluster = torch.from_numpy(found.cluster_centers_), torch.from_numpy(found.labels_)
    distance = (features - centres[cluster]).square().sum(1)
    sizes = torch.bincount(cluster.long(), minlength=n)
    chosen = [
        distance.masked_fill(cluster != number, torch.inf).argmin()
        for number in sizes.argsort(descending=True, stable=True)
        if sizes[number]
    ]
    picked = torch.stack(chosen)
    rest = torch.ones(len(features), dtype=torch.bool)
    rest[picked] = False
    return torch.cat([picked, rest.nonzero()[: n - len(picked), 0]])


class KMeans(FeatureSelection):
    """One image of each cluster of a class in a teacher's feature space."""

    draws = True

    @classmethod
    def draws_at(cls, ipc: int) -> bool:
        """The centre of a single cluster is the mean, whatever the initial centre."""
        return ipc > 1

    def order(self, features: Tensor, n: int, class_id: int) -> Tensor:
        spec = self.task.spec
        seed = RandomStream(spec.seed, ("kmeans", class_id)).seed % 2**32
        count, on_cpu = self.task.class_counts[class_id], features.cpu()
        return group_by_group(
            len(features),
            n,
            spec.group + 1,
            lambda left: nearest_to_centres(on_cpu[left], count, seed),
        )
