"""CCS: images of each class from all levels of difficulty but the hardest.

H. Zheng et al., "Coverage-centric coreset selection for high pruning rates" (ICLR 2023), Algorithm
1 and released code, there over all classes together, here for each class separately.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ddbench import setting

from ._difficulty import Score
from ._dynamics_selection import ScoredSelection, ScoredSettings, hardest_dropped
from ._selection import group_by_group


def budgets(sizes: list[int], n: int) -> list[int]:
    """Images to take from each stratum, smallest first: b = min(size, left // strata left).

    Args:
        sizes: number of images in each stratum.
        n: images wanted from all strata together, at most the sum of `sizes`.
    """
    given, left = [0] * len(sizes), n
    by_size = sorted(range(len(sizes)), key=sizes.__getitem__)
    for done, stratum in enumerate(by_size):
        given[stratum] = min(sizes[stratum], left // (len(sizes) - done))
        left -= given[stratum]
    return given


def stratified(difficulty: Tensor, n: int, strata: int) -> Tensor:
    """Choose images from strata of equal width between the least and the greatest difficulty.

    Args:
        difficulty: of the N images, in random order.
        n: how many to choose, at most N.
        strata: number of strata.

    Returns:
        Indices (n,), the hardest stratum's first; of each stratum the first ones are taken.
    """
    low, high = difficulty.min(), difficulty.max()
    place = (high - difficulty) / (high - low).clamp_min(torch.finfo(difficulty.dtype).tiny)
    stratum = (place * strata).long().clamp_max(strata - 1)
    members = [(stratum == number).nonzero()[:, 0] for number in range(strata)]
    shares = budgets([len(part) for part in members], n)
    return torch.cat([part[:share] for part, share in zip(members, shares, strict=True)])


class CCS(ScoredSelection):
    """Stratified sampling over difficulty, uniform within a stratum."""

    draws = True

    @dataclass
    class Settings(ScoredSettings):
        """Settings of CCS."""

        score: Score = setting(Score.margin, "score that measures how difficult an image is")
        dropped: float = setting(
            0.3, "share of the hardest images that are left out", low=0, high=0.99
        )
        strata: int = setting(50, "strata of equal width in difficulty", low=1)

    settings: Settings

    def order(self, difficulty: Tensor, n: int, positions: Tensor) -> Tensor:
        kept, dropped = hardest_dropped(difficulty, self.settings.dropped)
        order, groups = torch.cat([kept, dropped]), self.task.spec.group + 1
        count = n // groups

        def pick(left: Tensor) -> Tensor:
            # A class that is too small also gives the easiest of its dropped images.
            pool = order[left[: max(int((left < len(kept)).sum()), count)]]
            return stratified(difficulty[pool], count, self.settings.strata)

        return order[group_by_group(len(order), n, groups, pick)]
