"""The contents of a set as named tensors, for any kind of archive."""

from __future__ import annotations

import torch
from torch import Tensor

from ..distilled_set import SOFT_LABEL_KINDS, DistilledSet


def plain_table(distilled: DistilledSet) -> dict[str, Tensor]:
    """The set as named tensors. All facts are numbers, so the file needs no text and no objects.

    `channel_mean` and `channel_std` give the input space (incompletely if it whitens). The kind of
    soft labels is its index among logits, probabilities, targets.
    """
    table = {"images": distilled.images.contiguous(), "labels": distilled.labels}
    for name in ("soft_labels", "channel_mean", "channel_std", "space_fingerprint"):
        if getattr(distilled, name) is not None:
            table[name] = getattr(distilled, name)
    if distilled.soft_label_kind is not None:
        kind = SOFT_LABEL_KINDS.index(distilled.soft_label_kind)
        table["soft_label_kind"] = torch.tensor(kind)
    if distilled.learned_rate is not None:
        table["learned_rate"] = torch.tensor(distilled.learned_rate, dtype=torch.float64)
    if distilled.tile_factor > 1:
        table["tiles"] = torch.tensor(distilled.tile_factor)
    return table
