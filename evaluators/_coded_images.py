"""Images of a set stored like pictures: rounded to 8 bits, or compressed with JPEG."""

from __future__ import annotations

import io
from dataclasses import replace

import torch
from PIL import Image
from torch import Tensor

from ddbench import DistilledSet
from ddbench.training.lab import Lab

UINT8, JPEG = "uint8", "jpeg"
QUALITY = 90
"""JPEG quality, without chroma subsampling."""


def in_8_bits(distilled: DistilledSet, lab: Lab) -> tuple[DistilledSet, int]:
    """The set after rounding its pixels to 0..255, and their size in bytes.

    Values outside the range of pixels are clamped, which is part of the cost of the coding.

    Args:
        distilled: with images in the lab's space.
        lab: its input space must be invertible to pixels.
    """
    pixels = lab.space.pixels(distilled.images)
    return _with(distilled, lab, pixels), pixels.numel()


def as_jpeg(distilled: DistilledSet, lab: Lab) -> tuple[DistilledSet, int]:
    """The set after compressing each image with JPEG at `QUALITY`, and the files' size in bytes.

    Args:
        distilled: with images of one or three channels in the lab's space.
        lab: its input space must be invertible to pixels.
    """
    pixels, total = lab.space.pixels(distilled.images), 0
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
    return _with(distilled, lab, pixels), total


CODINGS = {UINT8: in_8_bits, JPEG: as_jpeg}


def _with(distilled: DistilledSet, lab: Lab, pixels: Tensor) -> DistilledSet:
    return replace(distilled, images=lab.space.transform(pixels).cpu())
