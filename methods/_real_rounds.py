"""Mini-batches of real images of all classes, each image once before any is repeated."""

from __future__ import annotations

import torch
from torch import Tensor

from ddbench import Task


class RealRounds:
    """Mini-batches of the real images in random order.

    The rest of a round, less than a mini-batch, is left out.

    Args:
        task: supplies the images.
        size: images per mini-batch; all images if there are fewer.
    """

    def __init__(self, task: Task, size: int) -> None:
        self.task, self.size = task, min(size, len(task.real))
        self.batches = len(task.real) // self.size
        self._order: tuple[int, Tensor] = (-1, torch.empty(0))

    def batch(self, i: int) -> tuple[Tensor, Tensor]:
        """Images and class ids of a step."""
        around, place = divmod(i, self.batches)
        if self._order[0] != around:
            generator = self.task.generator("real-order", around)
            self._order = (around, torch.randperm(len(self.task.real), generator=generator))
        chosen = self._order[1][place * self.size : (place + 1) * self.size]
        return self.task.real.batch(chosen)
