"""Channel means and standard deviations that the field's code normalises with.

An affine map of each channel changes how a network trains. So a set that was distilled with other
statistics than its dataset's own is scored with those, and so is its control: in the input space
`normalised:NAME`, or `normalised:M,M,M/S,S,S` if they have no name.
"""

from __future__ import annotations

import math

from ..errors import UserError, shortened, unknown_name

Statistics = tuple[tuple[float, ...], tuple[float, ...]]

STATISTICS: dict[str, Statistics] = {
    # utils.py of VICO-UoE/DatasetCondensation, and its descendants.
    "mnist": ((0.1307,), (0.3081,)),
    "fashion_mnist": ((0.2861,), (0.3530,)),
    "svhn": ((0.4377, 0.4438, 0.4728), (0.1980, 0.2010, 0.1970)),
    "cifar10": ((0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)),
    "cifar100": ((0.5071, 0.4866, 0.4409), (0.2673, 0.2564, 0.2762)),
    # torchvision.
    "imagenet": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "half": ((0.5,), (0.5,)),
    "pixels": ((0.0,), (1.0,)),
}
"""By name: means and standard deviations in [0, 1]; a single value applies to every channel."""


def statistics_of(text: str) -> Statistics:
    """Read what follows the colon of `normalised:`: a name, or means, a slash and deviations.

    Raises:
        UserError: for an unknown name, or impossible values.
    """
    if "/" not in text:
        if text not in STATISTICS:
            raise unknown_name("normalisation", text, STATISTICS)
        return STATISTICS[text]
    try:
        means, stds = (tuple(map(float, part.split(","))) for part in text.split("/"))
    except ValueError:
        raise UserError(f"normalised:{shortened(text)}: give M,M,M/S,S,S, or a name") from None
    if len(means) != len(stds) or not all(math.isfinite(m) for m in means):
        raise UserError(f"normalised:{shortened(text)}: as many means as deviations are needed")
    if not all(0 < std < math.inf for std in stds):
        raise UserError(f"normalised:{shortened(text)}: deviations must be above 0")
    return means, stds


def per_channel(statistics: Statistics, channels: int) -> Statistics:
    """The statistics of each of `channels` channels.

    Raises:
        UserError: where they are for another number of channels.
    """
    means, stds = statistics
    if len(means) == 1:
        return means * channels, stds * channels
    if len(means) != channels:
        raise UserError(f"a normalisation of {len(means)} channels, but images have {channels}")
    return statistics
