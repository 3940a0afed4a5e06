"""Check before any work whether the machine can hold the matrices of a whitening."""

from __future__ import annotations

from typing import Any

from ..errors import UserError
from ..runtime.device import machine_memory_bytes
from .eigenbasis import has_few_rows
from .input_space import input_space_definition
from .low_rank import MATRICES as LOW_RANK_MATRICES
from .low_rank import OVERSAMPLED

LOW_RANK = "zca_low_rank"
WHOLE_MATRICES = 5
"""Square float64 matrices that fitting a whitening to many images holds at once, at least."""
FEW_MATRICES = 3
"""Float64 matrices (n, CHW) that fitting it to n images holds, if they are few, at least."""


def check_memory(name: str, channels: int, resolution: int, images: int) -> None:
    """Refuse a whitening whose matrices this machine cannot hold, before any work.

    Args:
        name: the name of the input space.
        channels: the channels of an image.
        resolution: its height and width.
        images: the number of training images; 0 if it is not known yet, which refuses nothing that
            a smaller number might allow.

    Raises:
        UserError: with the bytes that are needed, and the spaces that need fewer.
    """
    definition = input_space_definition(name)
    if "eps" not in definition:
        return
    side = channels * resolution**2
    matrices, columns = _matrices(definition, side, images)
    needed, there = matrices * 8 * side * columns, machine_memory_bytes()
    if needed > there:
        times, narrow = _matrices(input_space_definition(LOW_RANK), side, images)
        fewer = times * 8 * side * narrow
        offer = (
            f"input_space={LOW_RANK}, an approximation of zca, needs {fewer / 1e9:,.1f} GB, and "
        )
        raise UserError(
            f"input_space={name}: images of {channels}x{resolution}x{resolution} need "
            f"{needed / 1e9:,.1f} GB for {matrices} matrices of {side:,} x {columns:,} "
            f"({8 * side * columns / 1e9:,.1f} GB each), this machine has {there / 1e9:,.1f} GB; "
            f"{offer if fewer < min(needed, there) else ''}input_space=normalised needs none"
        )


def _matrices(definition: dict[str, Any], side: int, images: int) -> tuple[int, int]:
    """How many float64 matrices (CHW, columns) fitting a whitening holds, and their columns.

    Matrices (n, n) of few images are smaller than (n, CHW), by half at least, and are left out.
    """
    if "rank" in definition:
        return LOW_RANK_MATRICES, min(side, definition["rank"] + OVERSAMPLED)
    if has_few_rows(images, side):
        return FEW_MATRICES, images
    return WHOLE_MATRICES, side
