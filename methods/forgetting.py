"""Forgetting: the images of each class that a network forgets most often during training.

M. Toneva et al., "An empirical study of example forgetting during deep neural network learning"
(ICLR 2019). Images that are never predicted correctly come first. Most images of an easy dataset
are forgotten equally often; the seed orders them.
"""

from __future__ import annotations

from ._difficulty import Score
from ._dynamics_selection import OrderedSelection


class Forgetting(OrderedSelection):
    """The images that are forgotten most often, or least often."""

    draws = True
    score = Score.forgetting
