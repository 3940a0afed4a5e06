"""Difficulty window: the images of each class that follow the hardest ones.

Y. Lee and H. W. Chung, "SelMatch: effectively scaling up dataset distillation via selection-based
initialization and partial updates by trajectory matching" (ICML 2024), released code. There it
beats distillation at large budgets. The authors choose beta by test accuracy; choose it here by
`ddbench run -m method=difficulty_window validation=0.1 method.beta=0,0.1,0.2`. The default is that
of their command line.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from ddbench import setting

from ._dynamics_selection import ScoredSelection, ScoredSettings, by_difficulty


def window_order(difficulty: Tensor, skipped: int) -> Tensor:
    """Order images from the hardest to the easiest, with the very hardest moved to the end.

    Args:
        difficulty: of the N images of a class.
        skipped: how many of the hardest are passed over, at most N.

    Returns:
        Indices (N,); those passed over follow the easiest one, in order of increasing difficulty.
    """
    order = by_difficulty(difficulty)
    return torch.cat([order[skipped:], order[:skipped].flip(0)])


class DifficultyWindow(ScoredSelection):
    """The images of a class from a given rank of difficulty on."""

    draws = True

    @dataclass
    class Settings(ScoredSettings):
        """Settings of the window."""

        beta: float = setting(
            0.5, "hardest images that are passed over, as a multiple of the images per class", low=0
        )

    settings: Settings

    def order(self, difficulty: Tensor, n: int, positions: Tensor) -> Tensor:
        per_group = n // (self.task.spec.group + 1)
        skipped = min(int(self.settings.beta * per_group), len(difficulty))
        return window_order(difficulty, skipped)[:n]
