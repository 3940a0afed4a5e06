"""Differentiable Siamese augmentation, the field's usual augmentation.

DSA (Zhao & Bilen, "Dataset condensation with differentiable Siamese augmentation", ICML 2021)
takes its operations from DiffAugment (Zhao et al., "Differentiable augmentation for
data-efficient GAN training", NeurIPS 2020) and adds flip, scale and rotate. For every mini-batch
*one* operation is drawn; its parameters are drawn for every image, or once for a whole pair of
batches (Siamese), so that real and distilled images are augmented alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...errors import UserError, unknown_name
from .operations import color, cutout, flip, rotate, scale, shift

AUGMENTATION_VERSION = 1
"""Incremented when an augmentation's numbers change; part of every key of a trained network."""

OPERATIONS = ("color", "crop", "cutout", "flip", "scale", "rotate")


@dataclass(frozen=True)
class Draw:
    """One random choice: an operation and its parameters, on the CPU until it is applied.

    Attributes:
        operation: one of `OPERATIONS`.
        parameters: the operation's arguments by name, each (n,); n = 1 applies to all images.
    """

    operation: str
    parameters: dict[str, Tensor]

    def repeat(self, counts: int | Sequence[int] | Tensor) -> Draw:
        """The i-th parameters repeated counts[i] times: one draw per class becomes one per image.

        Args:
            counts: how many consecutive images share each of the n parameters, or one number for
                all.
        """
        often = counts if isinstance(counts, int | Tensor) else torch.tensor(counts)
        return Draw(
            self.operation,
            {name: value.repeat_interleave(often) for name, value in self.parameters.items()},
        )

    def to(self, device: torch.device) -> Draw:
        """The same draw on a device; the host does not wait for the copy."""
        if device.type == "cpu":
            return self
        moved = {
            name: value.to(device, non_blocking=True) for name, value in self.parameters.items()
        }
        return Draw(self.operation, moved)


@dataclass(frozen=True)
class DSA:
    """The augmentation with its settings; the defaults are those of every published method.

    Siamese use, the same for real and distilled images:

        draw = dsa.draw(1, 32, 32, generator)
        real, distilled = dsa.apply(real, draw), dsa.apply(distilled, draw)

    Attributes:
        strategy: the operations to choose from, each equally likely.
        flip_probability: probability that an image is mirrored, once flip is chosen.
        scale_ratio: r > 1; the two factors of a zoom are uniform in (1 / r, r).
        rotate_degrees: the largest angle.
        crop_ratio: the largest shift, as a share of the side.
        cutout_ratio: the side of the erased rectangle, as a share of the side.
        brightness: the width of the interval, around 0, of what is added.
        saturation: the largest factor; the smallest is 0.
        contrast: the smallest factor; the largest is 1 more.
        align_corners: as in grid sampling; see `rotate`.

    Raises:
        UserError: for a strategy that is empty or names an unknown operation.
    """

    strategy: tuple[str, ...] = OPERATIONS
    flip_probability: float = 0.5
    scale_ratio: float = 1.2
    rotate_degrees: float = 15.0
    crop_ratio: float = 0.125
    cutout_ratio: float = 0.5
    brightness: float = 1.0
    saturation: float = 2.0
    contrast: float = 0.5
    align_corners: bool = True

    def __post_init__(self) -> None:
        if not self.strategy:
            raise UserError(
                f"the augmentation has no operation; choose from {', '.join(OPERATIONS)}"
            )
        for name in self.strategy:
            if name not in OPERATIONS:
                raise unknown_name("augmentation operation", name, OPERATIONS)

    def draw(self, n: int, height: int, width: int, generator: torch.Generator) -> Draw:
        """Choose an operation, and n sets of parameters for it.

        Args:
            n: number of images, or 1 to treat all alike (Siamese).
            height: of the images in pixels.
            width: of the images in pixels.
            generator: a CPU generator; it alone determines the draw.
        """
        index = torch.randint(len(self.strategy), (), generator=generator)
        return self.draw_of(self.strategy[int(index)], n, height, width, generator)

    def draw_of(
        self, operation: str, n: int, height: int, width: int, generator: torch.Generator
    ) -> Draw:
        """`n` sets of parameters for a given operation; see `draw`."""
        return Draw(operation, self._parameters(operation, n, height, width, generator))

    def apply(self, images: Tensor, draw: Draw) -> Tensor:
        """Augment images (N, C, H, W) as drawn; the draw has N parameters, or one for all."""
        on_device = draw.to(images.device).parameters
        match draw.operation:
            case "color":
                return color(images, **on_device)
            case "crop":
                return shift(images, **on_device)
            case "cutout":
                height, width = images.shape[2:]
                sides = (_share(height, self.cutout_ratio), _share(width, self.cutout_ratio))
                return cutout(images, sides=sides, **on_device)
            case "flip":
                return flip(images, **on_device)
            case "scale":
                return scale(images, **on_device)
            case "rotate":
                return rotate(images, align_corners=self.align_corners, **on_device)
        raise unknown_name("augmentation operation", draw.operation, OPERATIONS)

    def __call__(self, images: Tensor, generator: torch.Generator, siamese: bool = False) -> Tensor:
        """Draw and apply: parameters for every image, or with `siamese` one set for all."""
        number, _, height, width = images.shape
        return self.apply(images, self.draw(1 if siamese else number, height, width, generator))

    def _parameters(
        self, operation: str, n: int, height: int, width: int, generator: torch.Generator
    ) -> dict[str, Tensor]:
        def uniform() -> Tensor:
            return torch.rand(n, generator=generator)

        def whole(low: int, high: int) -> Tensor:
            """Integers from low to high, both included."""
            return torch.randint(low, high + 1, (n,), generator=generator)

        match operation:
            case "color":
                return {
                    "amount": (uniform() - 0.5) * self.brightness,
                    "saturating": uniform() * self.saturation,
                    "contrasting": uniform() + self.contrast,
                }
            case "crop":
                down, across = _share(height, self.crop_ratio), _share(width, self.crop_ratio)
                return {"dy": whole(-down, down), "dx": whole(-across, across)}
            case "cutout":
                tall, wide = _share(height, self.cutout_ratio), _share(width, self.cutout_ratio)
                return {"cy": whole(0, height - tall % 2), "cx": whole(0, width - wide % 2)}
            case "flip":
                return {"mask": uniform() < self.flip_probability}
            case "scale":
                low = 1 / self.scale_ratio
                span = self.scale_ratio - low
                return {"sx": uniform() * span + low, "sy": uniform() * span + low}
            case _:
                return {"radians": (uniform() * 2 - 1) * math.radians(self.rotate_degrees)}


def _share(side: int, ratio: float) -> int:
    """A share of a side in whole pixels, rounded half up as in the published code."""
    return int(side * ratio + 0.5)
