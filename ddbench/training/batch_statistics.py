"""Logits of a network whose batch norms use the statistics of the current images.

The teachers of J. Cui et al. ("Dataset distillation via committee voting", 2025) label this way:
distilled, cut and mixed images have other statistics than those that a teacher was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def batch_statistics(network: nn.Module) -> Iterator[None]:
    """Let batch norms use the statistics of each batch, without tracking them."""
    norms = [module for module in network.modules() if isinstance(module, _BatchNorm)]
    before = [(norm.training, norm.track_running_stats) for norm in norms]
    for norm in norms:
        norm.training, norm.track_running_stats = True, False
    try:
        yield
    finally:
        for norm, (training, tracks) in zip(norms, before, strict=True):
            norm.training, norm.track_running_stats = training, tracks


@torch.no_grad()
def predict_by_parts(network: nn.Module, inputs: Tensor, parts: int) -> Tensor:
    """Logits (N, classes) in evaluation mode, but with the batch statistics of each part of images.

    Args:
        network: with batch norm; without it, this is `loop.predict`.
        inputs: (N, C, H, W).
        parts: number of nearly equal parts; fewer if a part would have a single image.
    """
    network.eval()
    with batch_statistics(network):
        fitting = max(1, min(parts, len(inputs) // 2))
        return torch.cat([network(part) for part in inputs.tensor_split(fitting)])
