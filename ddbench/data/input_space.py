"""Input spaces: the coordinates in which networks see images and distilled images are learned.

`normalised` shifts and scales every channel, z = (x/255 - mean) / std, with the dataset's own
statistics; `normalised:NAME` and `normalised:M,M,M/S,S,S` use others (`statistics.py`). Three
whitenings are known by the name ZCA, and differ so much that results in one say nothing about the
others:

* `zca`: for pixels in [0, 1], with Sigma = Xc'Xc / (n-1), T = U diag((S + eps)^-1/2) U' and an
  absolute eps = 0.1; kornia's `ZCAWhitening` as MTT, TESLA, FTD and APM call it. A mild
  whitening: most eigenvalues are far below eps, and those directions are all scaled by 3.16.
* `zca_relative`: for channels divided by their standard deviation, with Sigma = Xc'Xc / n and
  eps = 0.1 trace(Sigma) / d; used by FRePo and RCIG (Zhou et al., NeurIPS 2022).
* `zca_per_image`: each image has its own mean, over all its values, subtracted and is then divided
  by its own norm, so that it has norm 1. There is no other centring: Sigma = X'X / n,
  eps = 0.1 trace(Sigma) / d; used by KIP and RaT-BPTT (Nguyen et al., NeurIPS 2021).
  Its inverse recovers pixels only up to the brightness and contrast of each image.

These need square matrices, CHW x CHW, unless the images are few: n of them span only n directions,
and all others are scaled by eps^-1/2 (`eigenbasis.py`). For many images that are too large there is

* `zca_low_rank`: like `zca`, but only the 512 largest eigenvalues are kept and the others taken as
  0: T = eps^-1/2 I + U diag((S + eps)^-1/2 - eps^-1/2) U' with U (CHW, 512). The factor on any
  direction differs from that of `zca` by at most eps^-1/2 - (S_513 + eps)^-1/2 (on CIFAR-10, where
  S_513 is .009, images differ by 1.1% of their norm); its inverse is exact.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..errors import UserError, unknown_name
from .low_rank import scaled_along
from .per_image import unit_images
from .pixels import PartedImages, Pixels
from .statistics import statistics_of

_DEFINITIONS: dict[str, dict[str, Any]] = {
    "normalised": {"version": 1},
    "zca": {"version": 1, "eps": 0.1, "eps_scale": "absolute"},
    "zca_relative": {"version": 1, "eps": 0.1, "eps_scale": "mean variance"},
    "zca_per_image": {"version": 1, "eps": 0.1, "eps_scale": "mean variance"},
    "zca_low_rank": {"version": 1, "eps": 0.1, "eps_scale": "absolute", "rank": 512},
}
_WITH_STATISTICS = "normalised:"
INPUT_SPACES: tuple[str, ...] = tuple(_DEFINITIONS)

_CHUNK = 1024
_FINGERPRINT_VALUES = 64


def input_space_definition(name: str) -> dict[str, Any]:
    """What identifies an input space besides the training images, in JSON types.

    Raises:
        UserError: for an unknown name.
    """
    if name.startswith(_WITH_STATISTICS):
        mean, std = statistics_of(name.removeprefix(_WITH_STATISTICS))
        return {"name": "normalised", "version": 1, "mean": list(mean), "std": list(std)}
    if name not in _DEFINITIONS:
        raise unknown_name("input space", name, INPUT_SPACES)
    return {"name": name, **_DEFINITIONS[name]}


@dataclass(frozen=True, eq=False)
class InputSpace:
    """A fitted map from pixels: z = ((x/255 - mean) / std - centre) whitening.

    In `zca_per_image`, each image has its own mean subtracted and is divided by its own norm before
    the whitening; `mean` and `std` replace the two in the inverse.

    Attributes:
        name: one of `INPUT_SPACES`, or `normalised:` with other statistics.
        mean: of each channel, on the pixel scale of 0 to 1, (C,).
        std: of each channel, likewise.
        pixel_std: standard deviation of each channel of the training images in this space, (C,);
            see `fit_input_space.SAMPLED_BYTES`.
        centre: mean training image after shifting and scaling, (C, H, W); None without whitening.
        whitening: matrix that multiplies flat images from the right, (CHW, CHW), or None.
        colouring: its inverse, or None.
        basis: orthonormal directions of a low-rank whitening, or of one fitted to few images,
            (CHW, rank), or None.
        gains: their factors, (rank,).
        rest: the factor of all other directions, (); None stands for eps^-1/2.
    """

    name: str
    mean: Tensor
    std: Tensor
    pixel_std: Tensor
    centre: Tensor | None = None
    whitening: Tensor | None = None
    colouring: Tensor | None = None
    basis: Tensor | None = None
    gains: Tensor | None = None
    rest: Tensor | None = None

    @property
    def definition(self) -> dict[str, Any]:
        """See `input_space_definition`."""
        return input_space_definition(self.name)

    @property
    def whitens(self) -> bool:
        """Whether each value depends on all pixels of its image, which costs a matrix product."""
        return self.centre is not None

    @property
    def is_per_image(self) -> bool:
        """Whether each image is shifted and scaled by its own statistics."""
        return self.name == "zca_per_image"

    def tensors(self) -> dict[str, Tensor]:
        """All fitted tensors by name, float32, for a safetensors file."""
        named = {item.name: getattr(self, item.name) for item in fields(self)}
        return {key: value for key, value in named.items() if isinstance(value, Tensor)}

    @classmethod
    def from_tensors(cls, name: str, tensors: dict[str, Tensor]) -> InputSpace:
        """The inverse of `tensors`.

        Raises:
            UserError: for an unknown name, or tensors that do not belong to such a space.
        """
        definition = input_space_definition(name)
        wanted = {"mean", "std", "pixel_std"}
        if "eps" in definition:
            wanted |= {"centre"}
            if "rank" in definition:
                wanted |= {"basis", "gains"}
            elif "basis" in tensors:
                wanted |= {"basis", "gains", "rest"}
            else:
                wanted |= {"whitening", "colouring"}
        if set(tensors) != wanted:
            raise UserError(
                f"the input space {name!r} consists of {', '.join(sorted(wanted))}, "
                f"not of {', '.join(sorted(tensors)) or 'nothing'}"
            )
        channels = len(tensors["mean"]) if tensors["mean"].ndim == 1 else 0
        shapes: dict[str, tuple[int, ...]] = {
            key: (channels,) for key in ("mean", "std", "pixel_std")
        }
        if "centre" in wanted:
            flat = tensors["centre"].numel()
            shapes |= {"centre": (channels, *tensors["centre"].shape[1:])}
            shapes |= {"whitening": (flat, flat), "colouring": (flat, flat)}
            rank = tensors["gains"].numel() if "gains" in wanted else 0
            shapes |= {"basis": (flat, rank), "gains": (rank,), "rest": ()}
        for key, tensor in tensors.items():
            if tuple(tensor.shape) != shapes[key] or not bool(tensor.isfinite().all()):
                raise UserError(f"the input space {name!r} has a damaged tensor {key!r}")
        return cls(name, **{key: tensor.float() for key, tensor in tensors.items()})

    def to(self, device: torch.device | str) -> InputSpace:
        """The same space with its tensors on a device."""
        moved = {key: value.to(device) for key, value in self.tensors().items()}
        return InputSpace(self.name, **moved)

    def channel_statistics(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Mean and std of each channel that are applied to pixels in [0, 1]; (0, 1) in `zca`."""
        return tuple(self.mean.tolist()), tuple(self.std.tolist())

    def transform(self, images: Pixels) -> Tensor:
        """Images in this space, on the space's device.

        Args:
            images: uint8, (N, C, H, W), on any device.

        Returns:
            float32, (N, C, H, W).

        Raises:
            TypeError: if the images are not uint8.
        """
        if images.dtype not in (torch.uint8, PartedImages.dtype):
            raise TypeError(f"transform takes uint8 pixels, not {images.dtype}")
        device = self.mean.device
        result = torch.empty(images.shape, dtype=torch.float32, device=device)
        mean, std = self.mean.view(-1, 1, 1), self.std.view(-1, 1, 1)
        # In chunks, so that memory beyond the result stays small however many images there are.
        for source, target in zip(images.split(_CHUNK), result.split(_CHUNK), strict=True):
            scaled = source.to(device).float() / 255
            scaled = unit_images(scaled) if self.is_per_image else (scaled - mean) / std
            if self.centre is not None:
                flat = (scaled - self.centre).flatten(1)
                scaled = self._times(flat, self.whitening, 1).view_as(scaled)
            target.copy_(scaled)
        return result

    def inverse(self, images: Tensor) -> Tensor:
        """Pixels of images in this space.

        Args:
            images: float, (N, C, H, W), on the space's device.

        Returns:
            float32, (N, C, H, W), clamped to [0, 1].
        """
        return self.unclamped(images).clamp(0, 1)

    def unclamped(self, images: Tensor) -> Tensor:
        """As `inverse`, but without clamping to [0, 1]."""
        scaled = images.float()
        if self.centre is not None:
            flat = self._times(scaled.flatten(1), self.colouring, -1)
            scaled = flat.view_as(scaled) + self.centre
        return scaled * self.std.view(-1, 1, 1) + self.mean.view(-1, 1, 1)

    def _times(self, flat: Tensor, matrix: Tensor | None, power: int) -> Tensor:
        """Flat images (N, CHW) times the whitening (power 1) or the colouring (power -1)."""
        if matrix is not None:
            return flat @ matrix
        assert self.basis is not None
        assert self.gains is not None
        rest = self.definition["eps"] ** -0.5 if self.rest is None else self.rest
        return scaled_along(flat, self.basis, self.gains**power, rest**power)

    def pixels(self, images: Tensor) -> Tensor:
        """8-bit pixels (N, C, H, W) of images in this space: the nearest level, 0 to 255."""
        here = self.mean.device
        parts = [self.inverse(part.to(here)) * 255 for part in images.split(_CHUNK)]
        return torch.cat([part.round().byte().cpu() for part in parts])

    def fingerprint(self) -> Tensor:
        """64 coordinates of fixed test patterns in this space, float32, on the CPU.

        It shows whether a newly fitted space is the one in which a set was distilled, without
        storing the matrix, whose bits differ with the number of threads.
        """
        shape = (len(self.mean), 8, 8) if self.centre is None else tuple(self.centre.shape)
        values = self.transform(_test_patterns(*shape)).flatten().cpu()
        chosen = torch.linspace(0, len(values) - 1, _FINGERPRINT_VALUES, dtype=torch.float64)
        return values[chosen.long()]

    def matches(self, fingerprint: Tensor, tolerance: float = 1e-2) -> bool:
        """Whether a fingerprint is this space's, each value within `tolerance` (1 + its size)."""
        own = self.fingerprint()
        other = fingerprint.detach().cpu().float()
        return own.shape == other.shape and torch.allclose(
            other, own, rtol=tolerance, atol=tolerance
        )


def _test_patterns(channels: int, height: int, width: int) -> Tensor:
    """16 random mosaics from coarse to fine, uint8; coarse ones reveal the whitening best."""
    patterns = np.empty((16, channels, height, width), dtype=np.uint8)
    for index in range(len(patterns)):
        # numpy freezes the numbers of RandomState, torch promises nothing across versions.
        numbers = np.random.RandomState(index)
        rows, columns = min(2 ** (index % 4), height), min(2 ** (index % 4), width)
        mosaic = numbers.randint(0, 256, size=(channels, rows, columns))
        row_of = np.arange(height) * rows // height
        column_of = np.arange(width) * columns // width
        patterns[index] = mosaic[:, row_of[:, None], column_of]
    return torch.from_numpy(patterns)
