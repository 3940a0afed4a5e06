"""Students that learn from soft labels distilled together with the images.

A student's steps are differentiated with respect to one tensor (`_trajectory_matching.py`). Here
each of its rows holds an image's pixels followed by the logits of its label.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from ._trajectory_matching import Parameters


def joined(images: Tensor, logits: Tensor) -> Tensor:
    """Rows (N, C * H * W + classes) of images (N, C, H, W) and logits (N, classes)."""
    return torch.cat([images.flatten(1), logits], dim=1)


def parted(rows: Tensor, shape: Sequence[int]) -> tuple[Tensor, Tensor]:
    """Images (N, C, H, W) and logits (N, classes) of rows.

    Args:
        rows: as returned by `joined`, or their gradients.
        shape: (C, H, W).
    """
    pixels = shape[0] * shape[1] * shape[2]
    return rows[:, :pixels].reshape(-1, *shape), rows[:, pixels:]


def soft_loss(
    forward: Callable[[int, Parameters, Tensor], Tensor], shape: Sequence[int]
) -> Callable[[int, Parameters, Tensor], Tensor]:
    """The loss of a step on rows: cross-entropy with the softmax of their logits.

    l = - mean_i sum_c softmax(y_i)_c log softmax(f(x_i))_c; it is differentiable in y.

    Args:
        forward: f of (step, parameters, images (B, C, H, W)), augmentation included.
        shape: (C, H, W).
    """

    def loss(step: int, parameters: Parameters, rows: Tensor) -> Tensor:
        images, logits = parted(rows, shape)
        return F.cross_entropy(forward(step, parameters, images), logits.softmax(1))

    return loss


@torch.no_grad()
def mean_right_logits(logits: Sequence[Tensor], class_ids: Tensor) -> Tensor:
    """Mean logits (N, classes) over the networks that predict an image's class correctly.

    If none does, over all networks.

    Args:
        logits: (N, classes) of each network.
        class_ids: (N,).
    """
    stacked = torch.stack(list(logits))
    right = (stacked.argmax(2) == class_ids).unsqueeze(2).to(stacked)
    right = torch.where(right.sum(0) > 0, right, torch.ones_like(right))
    return (stacked * right).sum(0) / right.sum(0)


def first_right(
    candidates: Tensor, count: int, is_right: Sequence[Callable[[Tensor], Tensor]], batch: int = 256
) -> Tensor:
    """The first positions that a network predicts correctly; the next networks add further ones.

    Args:
        candidates: positions (n,), in the order in which they are tried.
        count: positions wanted, at most n.
        is_right: for each network in turn, whether it predicts the images at positions correctly.
        batch: positions at a time.

    Returns:
        Positions (count,), none twice; if too few, the first remaining candidates are added.
    """
    chosen, left = candidates[:0], candidates
    for right in is_right:
        refused: list[Tensor] = []
        for part in left.split(batch):
            if len(chosen) >= count:
                return chosen[:count]
            kept = right(part).to(part.device)
            chosen, refused = torch.cat([chosen, part[kept]]), [*refused, part[~kept]]
        left = torch.cat(refused) if refused else left[:0]
    return torch.cat([chosen, left])[:count]
