"""Images whose statistics in a network match those that its batch norms keep of real images.

H. Yin et al., "Dreaming to distill: data-free knowledge transfer via DeepInversion" (CVPR 2020),
equation 4; with Z. Yin, E. Xing, Z. Shen, "Squeeze, recover and relabel" (NeurIPS 2023), section 3,
and the released code.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Seen = tuple[nn.BatchNorm2d, Tensor]
"""A batch norm and its input maps (N, C, H, W)."""


@contextmanager
def norm_inputs(network: nn.Module) -> Iterator[list[Seen]]:
    """Collect the inputs of each batch norm while a network is used, in the order of use."""
    seen: list[Seen] = []

    def collect(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, nn.BatchNorm2d)
        seen.append((layer, inputs[0]))

    norms = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)]
    hooks = [layer.register_forward_pre_hook(collect) for layer in norms]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def statistics_distance(seen: Sequence[Seen], first_weight: float) -> Tensor:
    """How far the statistics of a batch are from those of real images.

    R = sum_l a_l (|| var_l - running_var_l || + || mean_l - running_mean_l ||),  a_1 = first_weight

    Norms are Euclidean over channels and not squared. Mean and variance of a channel are over
    images and pixels; the variance divides by their number n, not by n - 1.

    Args:
        seen: from `norm_inputs`.
        first_weight: a_1; all others are 1.
    """
    total = torch.zeros((), dtype=seen[0][1].dtype, device=seen[0][1].device)
    for position, (layer, maps) in enumerate(seen):
        assert layer.running_var is not None
        assert layer.running_mean is not None
        variance, mean = torch.var_mean(maps, (0, 2, 3), correction=0)
        distance = (variance - layer.running_var).norm() + (mean - layer.running_mean).norm()
        total = total + (1.0 if position else first_weight) * distance
    return total


@dataclass(frozen=True)
class Recovery:
    """The objective by which images are recovered from a network.

    L = CE(f(u), y) + statistics_weight R

    Args:
        statistics_weight: r_bn.
        first_weight: a_1 of R.
    """

    statistics_weight: float
    first_weight: float

    def __call__(
        self, network: nn.Module, images: Tensor, labels: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss of images (N, C, H, W) with class ids (N,), and its two parts.

        Args:
            network: f, frozen, in evaluation mode, with a BatchNorm2d.
            images: u.
            labels: y.
        """
        with norm_inputs(network) as seen:
            cross_entropy = F.cross_entropy(network(images), labels)
        distance = statistics_distance(seen, self.first_weight)
        parts = {"cross_entropy": cross_entropy.detach(), "statistics": distance.detach()}
        return cross_entropy + self.statistics_weight * distance, parts
