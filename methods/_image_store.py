"""A large set of images that starts from real ones and is updated a few images at a time.

Each image is kept as its change from the real image and a velocity, in main memory. The start
itself is not kept: it is read again from the real images, which are uint8 and may be on disk. With
`half` a pixel takes 4 bytes instead of 8; ImageNet64 at ipc 50 is 2.5 GB.
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
"""Images at a time in a pass over all of them; a multiple of the batch size of `predict`."""


class Held(enum.Enum):
    """The number format in which an image is kept between two updates."""

    float32 = "float32"
    """Change and velocity are kept exactly."""
    half = "half"
    """The change as float16; the velocity, which may fall far below its range, as bfloat16."""

    @property
    def formats(self) -> tuple[torch.dtype, torch.dtype]:
        """The formats of the change and of the velocity."""
        if self is Held.half:
            return torch.float16, torch.bfloat16
        return torch.float32, torch.float32


@dataclass
class Visit:
    """Some of the images, with their missed updates applied, on the CPU in float32.

    Args:
        index: positions (B,) in the set.
        change: difference from the start (B, C, H, W).
        velocity: (B, C, H, W).
    """

    index: Tensor
    change: Tensor
    velocity: Tensor


class ImageStore:
    """The set of images.

    Args:
        real: the real images that the set starts from.
        positions: (N,) of those among the real images.
        descent: how images are updated; it also describes how they catch up on missed updates.
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
        """Copies of some images as they are just before an update; nothing is stored yet."""
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
        """Update the visited images and store them.

        Args:
            visit: the visit of this step.
            gradient: (B, C, H, W).
            step: index of the update.
            generator: for rounding, if the number format is not float32.

        Returns:
            The change of the visited images (B, C, H, W) before it is rounded.
        """
        self.descent.update(visit.change, visit.velocity, gradient.cpu(), step)
        self.change[visit.index] = rounded(visit.change, self.change.dtype, generator)
        self.velocity[visit.index] = rounded(visit.velocity, self.velocity.dtype, generator)
        self.last_update[visit.index] = step
        return visit.change

    def parts(self, step: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all images as they are just before an update: positions (n,) and (n, C, H, W)."""
        for index in torch.arange(len(self)).split(PART):
            yield index, self.images(self.visit(index, step))

    def state_dict(self) -> dict[str, Tensor]:
        """Everything that is kept, by reference, so save it before the next update."""
        return {
            "change": self.change,
            "velocity": self.velocity,
            "last_update": self.last_update,
        }

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Continue from a saved state."""
        self.change, self.velocity = state["change"], state["velocity"]
        self.last_update = state["last_update"]


def rounded(values: Tensor, kind: torch.dtype, generator: torch.Generator) -> Tensor:
    """Round float32 to fewer bits stochastically: up with a probability of the fraction dropped.

    Rounding to nearest would undo every update smaller than half a step of the format, and an image
    that is visited a thousand times moves by such updates; rounded stochastically, they add up
    correctly on average. (Below 6e-5, where float16's steps no longer shrink, it is to nearest.)

    Args:
        values: float32.
        kind: float16, bfloat16, or float32, which changes nothing.
        generator: a CPU generator.
    """
    dropped = {torch.float32: 0, torch.float16: 13, torch.bfloat16: 16}[kind]
    if not dropped:
        return values
    noise = torch.randint(1 << dropped, values.shape, generator=generator, dtype=torch.int32)
    bits = (values.contiguous().view(torch.int32) + noise) & -(1 << dropped)
    return torch.where(values.isfinite(), bits.view(torch.float32), values).to(kind)
