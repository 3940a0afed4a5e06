"""How a learning rate changes over a training."""

from __future__ import annotations

import enum
import math


class Schedule(enum.Enum):
    """How the rate changes; all but `milestones` change it at every step."""

    milestones = "milestones"
    """Constant, times `decay` at the start of each milestone epoch."""
    cosine = "cosine"
    """From the full rate to `final_fraction` of it, along half a wave, after a linear warm-up."""
    half_cosine = "half_cosine"
    """As `cosine`, stretched to twice the length, so that it ends at half the rate."""


def cosine_factor(
    step: int, steps: int, warmup_steps: int, final_fraction: float, stretch: int = 1
) -> float:
    """The factor on the rate at a step.

    f = w / W in warm-up, then e + (1 - e) (1 + cos(pi t / (s T))) / 2

    Args:
        step: counted from 0.
        steps: of the whole training.
        warmup_steps: W, over which the rate rises linearly from 0.
        final_fraction: e, what is left of the rate at the end.
        stretch: s; 2 for half a descent.
    """
    if step < warmup_steps:
        return step / warmup_steps
    way = (step - warmup_steps) / max(1, stretch * (steps - warmup_steps))
    return final_fraction + (1 - final_fraction) * (1 + math.cos(math.pi * min(way, 1.0))) / 2
