"""SGD with momentum on a set of images too large to touch at every update."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Descent:
    """SGD with momentum on a large set of images, where each update touches only a few.

    The released code applies momentum to the whole set, so an image outside the mini-batch keeps
    moving with its decaying velocity. Here this is done lazily: an image catches up on all the
    updates that it missed when it is next read, which gives the same result and touches only the
    mini-batch.

    Args:
        rate: learning rate of the first half.
        momentum: in [0, 1).
        decay: factor on the rate from `decay_step` on.
        decay_step: index of the first update with the decayed rate.
    """

    rate: float
    momentum: float
    decay: float
    decay_step: int

    def rate_at(self, step: int) -> float:
        """The learning rate of an update."""
        return self.rate * (self.decay if step >= self.decay_step else 1.0)

    def coast(self, images: Tensor, velocity: Tensor, last: Tensor, step: int) -> None:
        """Apply the updates last+1 ... step-1 that images (n, ...) missed, in place.

        Args:
            images: (n, C, H, W).
            velocity: (n, C, H, W), as it was left by update `last`.
            last: (n,) index of each image's latest update; -1 for none.
            step: the update about to happen.
        """
        last = last.double()
        turn = last.add(1).clamp(min=self.decay_step, max=step)
        turn = torch.maximum(turn, last + 1)
        m = self.momentum

        def geometric(first: Tensor, end: Tensor | int) -> Tensor:
            """sum of m^(j - last) for j = first ... end-1."""
            return (m ** (first - last) - m ** (end - last)) / (1 - m)

        way = self.rate * geometric(last + 1, turn)
        way += self.rate * self.decay * geometric(turn, torch.full_like(last, step))
        shape = (-1,) + (1,) * (images.ndim - 1)
        images -= way.to(images.dtype).view(shape) * velocity
        velocity *= (m ** (step - 1 - last)).to(velocity.dtype).view(shape)

    def update(self, images: Tensor, velocity: Tensor, gradient: Tensor, step: int) -> None:
        """One update of images (n, ...) in place."""
        velocity.mul_(self.momentum).add_(gradient)
        images.sub_(velocity, alpha=self.rate_at(step))
