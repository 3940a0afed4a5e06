"""Labels learned for given images, by kernel ridge regression on a network's features.

T. Nguyen, Z. Chen, J. Lee, "Dataset meta-learning from kernel ridge-regression" (ICLR 2021), Label
Solve, with the linear kernel of the features instead of an infinitely wide network's kernel.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from ..data.real_images import RealImages
from ..models.model import Model
from ..training.loop import images_at_once

RIDGE = 1e-3
"""Ridge of both regressions, as a fraction of the mean of the matrix's diagonal."""


@torch.no_grad()
def ridge_labels(network: Model, images: Tensor, real: RealImages, classes: int) -> Tensor:
    """Regression targets (N, classes) of images (N, C, H, W), float32, on the CPU.

    With the features S of the images (N, D) and T of the real ones (n, D), and the real images'
    centred class ids Y (n, classes), kernel ridge regression on labels L predicts

        T M L,  M = S^T (S S^T + r tr(S S^T) / N I)^-1

    and L minimises || Y - T M L ||^2 + r tr(A) / N || L ||^2 with A = (T M)^T T M:

        L = (A + r tr(A) / N I)^-1 (T M)^T Y

    Args:
        network: frozen network that computes the features.
        images: images in the input space.
        real: the training images in the same space.
        classes: number of classes.
    """
    own = torch.cat([_features(network, batch) for batch in images.split(_AT_ONCE)])
    second, with_labels = _moments(network, real, classes)
    projection = torch.linalg.solve(_with_ridge(own @ own.T), own).T  # M (D, N)
    normal = projection.T @ second @ projection
    labels: Tensor = torch.linalg.solve(_with_ridge(normal), projection.T @ with_labels)
    return labels.float()


_AT_ONCE = 128


def _features(network: Model, images: Tensor) -> Tensor:
    """Features (N, D) in float64, on the CPU, since not every device supports float64."""
    device = next(network.parameters()).device
    return network.features(images.to(device)).cpu().double()


def _moments(network: Model, real: RealImages, classes: int) -> tuple[Tensor, Tensor]:
    """T^T T (D, D) and T^T Y (D, classes), summed over batches to avoid an n x D matrix."""
    second: Tensor | None = None
    with_labels: Tensor | None = None
    for index in torch.arange(len(real)).split(images_at_once(real.device)):
        inputs, labels = real.batch(index)
        features = _features(network, inputs)
        targets = F.one_hot(labels.cpu(), classes).double() - 1 / classes
        a, b = features.T @ features, features.T @ targets
        second = a if second is None else second + a
        with_labels = b if with_labels is None else with_labels + b
    assert second is not None
    assert with_labels is not None
    return second, with_labels


def _with_ridge(matrix: Tensor) -> Tensor:
    diagonal = matrix.diagonal()
    return matrix + RIDGE * diagonal.mean() * torch.eye(len(matrix)).to(matrix)
