"""A large set of images that starts from real ones, of which each update touches a few.

What grows with the set is kept as the change from the real images and a velocity, in main memory.
The start itself is not kept: it is read again from the real images, which are uint8 and may lie on
the disk. In `half` a pixel takes 4 bytes instead of 8; ImageNet64 at ipc 50 is 2.5 GB.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from ddbench.data.real_images import RealImages

from ._lazy_momentum import Descent

PART = 1024
"""Images at a time where all of them are gone through; a multiple of the batches of `predict`."""


class Held(enum.Enum):
    """The number format of what is kept between two updates of an image."""

    float32 = "float32"
    """Change and velocity are kept exactly."""
    half = "half"
    """The change as float16, the velocity as bfloat16: it may fall far below float16's range."""

    @property
    def formats(self) -> tuple[torch.dtype, torch.dtype]:
        """Of the change and of the velocity."""
        if self is Held.half:
            return torch.float16, torch.bfloat16
        return torch.float32, torch.float32


@dataclass
class Visit:
    """Some of the images, with their missed updates applied, on the CPU in float32.

    Args:
        index: which ones (B,).
        change: from the start (B, C, H, W).
        velocity: (B, C, H, W).
    """

    index: Tensor
    change: Tensor
    velocity: Tensor


class ImageStore:
    """The set.

    Args:
        real: where the images start from.
        positions: which of the real images (N,).
        descent: how images move; see there for those that miss updates.
        held: the number format between two updates.
    """

    def __init__(
        self, real: RealImages, positions: Tensor, descent: Descent, held: Held = Held.float32
    ) -> None:
        self.real = real
        self.positions = positions
        self.descent = descent
        shape = (len(positions), *real.pixels.shape[1:])
        self.change, self.velocity = (torch.zeros(shape, dtype=kind) for kind in held.formats)
        self.last_update = torch.full((len(positions),), -1)

    def __len__(self) -> int:
        return len(self.positions)

    @property
    def held_bytes(self) -> int:
        """Bytes that are kept for all images together."""
        tensors = (self.change, self.velocity, self.last_update, self.positions)
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)

    def visit(self, index: Tensor, step: int) -> Visit:
        """Copies of some images as they are just before an update; nothing is kept yet."""
        change, velocity = self.change[index].float(), self.velocity[index].float()
        self.descent.coast(change, velocity, self.last_update[index], step)
        return Visit(index, change, velocity)

    def images(self, visit: Visit) -> Tensor:
        """The images (B, C, H, W) float32 of a visit, on the device."""
        start = self.real.images(self.positions[visit.index])
        return start + visit.change.to(start.device)

    def update(
        self, visit: Visit, gradient: Tensor, step: int, generator: torch.Generator
    ) -> Tensor:
        """Move the visited images and keep them.

        Args:
            visit: of this step.
            gradient: (B, C, H, W).
            step: index of the update.
            generator: for rounding, where the number format is not float32.

        Returns:
            The change of the visited images (B, C, H, W) before it is rounded.
        """
        self.descent.update(visit.change, visit.velocity, gradient.cpu(), step)
        self.change[visit.index] = rounded(visit.change, self.change.dtype, generator)
        self.velocity[visit.index] = rounded(visit.velocity, self.velocity.dtype, generator)
        self.last_update[visit.index] = step
        return visit.change

    def parts(self, step: int) -> Iterator[tuple[Tensor, Tensor]]:
        """All images as they are just before an update, as positions and (n, C, H, W) in turn."""
        for index in torch.arange(len(self)).split(PART):
            yield index, self.images(self.visit(index, step))

    def state_dict(self) -> dict[str, Tensor]:
        """All that is kept; references, so save before the next update."""
        return {
            "change": self.change,
            "velocity": self.velocity,
            "last_update": self.last_update,
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go on from a saved state."""
        self.change, self.velocity = state["change"], state["velocity"]
        self.last_update = state["last_update"]


def rounded(values: Tensor, kind: torch.dtype, generator: torch.Generator) -> Tensor:
    """Round float32 to fewer bits at random, up as often as the value is nearer to it.

    Rounding to nearest would undo every update smaller than half a step of the format, and an image
    that is visited a thousand times moves by such steps; at random they add up to what they
    are on average. (Below 6e-5, where float16's steps no longer shrink, it is to nearest.)

    Args:
        values: float32.
        kind: float16, bfloat16, or float32, which changes nothing.
        generator: on the CPU.
    """
    dropped = {torch.float32: 0, torch.float16: 13, torch.bfloat16: 16}[kind]
    if not dropped:
        return values
    noise = torch.randint(1 << dropped, values.shape, generator=generator, dtype=torch.int32)
    bits = (values.contiguous().view(torch.int32) + noise) & -(1 << dropped)
    return torch.where(values.isfinite(), bits.view(torch.float32), values).to(kind)
