"""Images of a set stored as pictures are: rounded to 8 bits, or compressed with JPEG."""

from __future__ import annotations

import io
from dataclasses import replace

import torch
from PIL import Image
from torch import Tensor

from ddbench import DistilledSet
from ddbench.data.input_space import InputSpace

UINT8, JPEG = "uint8", "jpeg"
QUALITY = 90
"""Of JPEG, without reduced colour resolution."""


def in_8_bits(distilled: DistilledSet, space: InputSpace) -> tuple[DistilledSet, int]:
    """The set after its pixels were rounded to 0..255, and the bytes of these.

    Values that no pixel can have are clamped: that is part of what the coding costs.

    Args:
        distilled: with images in `space`.
        space: its input space, which must lead back to pixels.
    """
    pixels = _pixels(distilled, space)
    return _with(distilled, space, pixels), pixels.numel()


def as_jpeg(distilled: DistilledSet, space: InputSpace) -> tuple[DistilledSet, int]:
    """The set after each image was compressed with JPEG at `QUALITY`, and the bytes of the files.

    Args:
        distilled: with images of one or three channels in `space`.
        space: its input space, which must lead back to pixels.
    """
    pixels, total = _pixels(distilled, space), 0
    for image in pixels:
        grey = len(image) == 1
        buffer = io.BytesIO()
        picture = Image.fromarray((image[0] if grey else image.permute(1, 2, 0)).numpy())
        picture.save(buffer, "JPEG", quality=QUALITY, subsampling=0)
        total += buffer.tell()
        with Image.open(buffer) as opened:
            read = torch.frombuffer(bytearray(opened.tobytes()), dtype=torch.uint8)
        shape = image.shape[1:] if grey else (*image.shape[1:], 3)
        image.copy_(read.view(*shape) if grey else read.view(*shape).permute(2, 0, 1))
    return _with(distilled, space, pixels), total


CODINGS = {UINT8: in_8_bits, JPEG: as_jpeg}


def _pixels(distilled: DistilledSet, space: InputSpace) -> Tensor:
    """Pixels of 0..255 (N, C, H, W), uint8, on the CPU."""
    images = distilled.images.to(space.mean.device)
    parts = [(255 * space.inverse(part)).round().byte().cpu() for part in images.split(500)]
    return torch.cat(parts)


def _with(distilled: DistilledSet, space: InputSpace, pixels: Tensor) -> DistilledSet:
    return replace(distilled, images=space.transform(pixels).cpu())
