"""AUM: the images of each class with the smallest area under the margin.

G. Pleiss et al., "Identifying mislabeled data using the area under the margin ranking" (NeurIPS
2020), equation 2, propose it to find wrong labels; Zheng et al. (ICLR 2023) select by it.
"""

from __future__ import annotations

from ._difficulty import Score
from ._dynamics_selection import OrderedSelection


class AUM(OrderedSelection):
    """The images whose logits have the smallest mean margin, or the largest."""

    score = Score.aum
