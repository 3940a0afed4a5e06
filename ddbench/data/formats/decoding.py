"""Decode an image file to 8-bit RGB exactly, or refuse it, whatever its pixel format.

16-bit samples are scaled by 1/257 and rounded. Pillow alone would clip grey ones to white, and
keeps only the upper byte of coloured ones. Formats without a range of their own (real numbers, 32
bits, signed numbers) are refused, since their scale cannot be inferred from one file.
"""

from __future__ import annotations

import enum
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UserError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

SUFFIXES = frozenset(
    (
        *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".apng", ".bmp", ".webp", ".gif"),
        *(".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".pnm", ".pfm"),
    )
)
"""Pillow's file extensions of the supported formats, in lower case."""
_FORMATS = ("JPEG", "PNG", "BMP", "WEBP", "GIF", "TIFF", "PPM")
_OF_EIGHT_BITS = frozenset(
    ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr", "LAB", "HSV")
)
_OF_SIXTEEN_BITS = frozenset(("I;16", "I;16L", "I;16B", "I;16N"))
_BITS, _PHOTOMETRIC, _PLANES = 258, 262, 284  # tags of TIFF
_MIN_IS_WHITE, _APART = 0, 2
_OTHER_BYTE = {"16B": "16L", "16L": "16B"}


class Filter(enum.Enum):
    """How pixels of a resized image are computed; Pillow's filters, which average when shrinking.

    `none` resizes nothing: an image of another size is an error.
    """

    none = enum.auto()
    box = enum.auto()
    bilinear = enum.auto()
    bicubic = enum.auto()
    lanczos = enum.auto()


def decode(path: Path, resolution: int, resize: Filter, crop: bool = True) -> NDArray[np.uint8]:
    """An image as RGB (3, resolution, resolution).

    Args:
        path: the file.
        resolution: height and width.
        resize: how images of other sizes are resized.
        crop: whether the largest square in the middle is kept; else the whole image is squeezed.

    As in torchvision's image folders, transparency is dropped, only the first frame or page is
    read, and orientation tags and colour profiles are ignored.

    Raises:
        UserError: if the file is not an image, is damaged, holds pixels that cannot be converted to
            8 bits without guessing, or has a wrong size and must not be resized.
    """
    from PIL import Image  # takes a while to import

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            warnings.filterwarnings("ignore", "Palette images with Transparency")  # it is dropped
            with Image.open(path, formats=_FORMATS) as opened:
                image = _as_rgb(opened, path)
    except UserError:
        raise
    except Exception as error:  # Pillow raises many kinds, SyntaxError among them
        reason = " ".join(str(error).split())
        raise UserError(f"{path} cannot be decoded ({type(error).__name__}: {reason})") from error
    if image.size != (resolution, resolution):
        if resize is Filter.none:
            width, height = image.size
            raise UserError(f"{path} is {width}x{height}, not {resolution}x{resolution}")
        width, height = (min(image.size),) * 2 if crop else image.size
        left, top = (image.width - width) // 2, (image.height - height) // 2
        image = image.resize(
            (resolution, resolution),
            Image.Resampling[resize.name.upper()],
            box=(left, top, left + width, top + height),
        )
    return np.ascontiguousarray(np.asarray(image).transpose(2, 0, 1))


def _as_rgb(opened: Picture, path: Path) -> Picture:
    raw = _raw_mode(opened)
    told = f"{opened.mode}, stored as {raw}" if raw not in ("", opened.mode) else opened.mode
    # PPM's reader scales to 16 bits, and older versions of Pillow open 16-bit PNG as I.
    as_whole_numbers = opened.mode == "I" and (opened.format == "PPM" or raw == "I;16B")
    if opened.mode in _OF_SIXTEEN_BITS or as_whole_numbers:
        return _grey(np.asarray(opened), largest=0xFFF if raw == "I;12" else 0xFFFF, of=opened)
    if opened.mode not in _OF_EIGHT_BITS:
        raise UserError(
            f"{path} has pixels of mode {told}, which have no range of their own; store them with "
            "8 or 16 bits per channel"
        )
    deep = ";16" in raw or _tag(opened, _BITS, 8) > 8
    if not deep:
        return opened.convert("RGB")
    picture = _coloured(opened, raw, path) if _tag(opened, _PLANES) != _APART else None
    if picture is None:
        raise UserError(
            f"{path} has pixels of mode {told} with 16 bits per channel in a layout that Pillow "
            "does not read whole; store them with 8 bits per channel"
        )
    return picture


def _grey(values: NDArray[Any], largest: int, of: Picture) -> Picture:
    """Grey samples of up to 16 bits as RGB."""
    from PIL import Image

    values = values.astype(np.int64)
    if _tag(of, _PHOTOMETRIC) == _MIN_IS_WHITE:  # Pillow respects it only for 8 bits
        values = largest - values
    return Image.fromarray(_scaled(values, largest)).convert("RGB")


def _scaled(values: NDArray[np.int64], largest: int) -> NDArray[np.uint8]:
    """Numbers from 0 to `largest` rescaled to 0 to 255, rounded to the nearest."""
    return ((values * 510 + largest) // (2 * largest)).astype(np.uint8)


def _coloured(opened: Picture, raw: str, path: Path) -> Picture | None:
    """Several 16-bit channels as RGB; None if Pillow gives no access to both bytes."""
    from PIL import Image

    if raw == "LA;16B":  # grey, upper byte first, and transparency: four bytes per pixel
        samples = _read_as(path, "RGBA").astype(np.int64)
        return Image.fromarray(_scaled(samples[..., 0] << 8 | samples[..., 1], 0xFFFF)).convert(
            "RGB"
        )
    channels, _, layout = raw.partition(";")
    if layout == "16N":  # the machine's own order
        layout = "16L" if sys.byteorder == "little" else "16B"
    if channels not in ("RGB", "RGBA", "RGBX", "CMYK") or layout not in _OTHER_BYTE:
        return None
    upper = np.asarray(opened).astype(np.int64)
    lower = _read_as(path, f"{channels};{_OTHER_BYTE[layout]}")
    scaled = _scaled(upper << 8 | lower, 0xFFFF)
    return Image.fromarray(scaled, mode=opened.mode).convert("RGB")


def _read_as(path: Path, raw: str) -> NDArray[np.uint8]:
    """A file's pixels with its bytes read in another of Pillow's layouts."""
    from PIL import Image

    with Image.open(path, formats=_FORMATS) as opened:
        tiles: list[Any] = []
        for codec, extents, offset, given in list(opened.tile):
            changed = raw if isinstance(given, str) or given is None else (raw, *given[1:])
            tiles.append((codec, extents, offset, changed))
        opened.tile = tiles
        return np.asarray(opened)


def _raw_mode(opened: Picture) -> str:
    """The layout of the pixels in the file, as Pillow names it; "" if it does not say."""
    tiles = getattr(opened, "tile", None)
    given = tiles[0][3] if tiles else ""
    first = given[0] if isinstance(given, tuple) and given else given
    return first if isinstance(first, str) and opened.format != "PPM" else ""


def _tag(opened: Picture, number: int, otherwise: int = -1) -> int:
    """The number in a tag of a TIFF file, or the largest of several."""
    tags = getattr(opened, "tag_v2", None)  # also on JPEG files that hold several pictures
    if opened.format != "TIFF" or tags is None or number not in tags:
        return otherwise
    value = tags[number]
    return int(max(value)) if isinstance(value, tuple) else int(value)
