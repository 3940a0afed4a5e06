"""Every way in which Pillow stores pixels: brought to 8 bits exactly, or refused by name."""

from __future__ import annotations

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from ddbench.data.formats.decoding import Filter, decode
from ddbench.errors import UserError

DEEP = np.array([[0, 1, 128, 129], [257, 385, 386, 1000], [32767, 32768, 65406, 65535], [9] * 4])
COLOURED = np.stack([DEEP, DEEP[::-1], DEEP.T], axis=-1)


def nearest(values: NDArray[np.int64], largest: int = 65535) -> NDArray[np.int64]:
    """To 8 bits by real numbers, rounded half up; (H, W) grey becomes (3, H, W)."""
    scaled = np.floor(values * (255 / largest) + 0.5).astype(int)
    return np.stack([scaled] * 3) if scaled.ndim == 2 else scaled.transpose(2, 0, 1)


def decoded(file: Path) -> list[list[list[int]]]:
    return decode(file, 4, Filter.none).tolist()


def write_png(file: Path, kind: int, samples: NDArray[np.int64]) -> None:
    """A PNG file of 16 bits per sample, of any kind that the format has."""
    height, width = samples.shape[:2]
    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    lines = b"".join(b"\0" + line.astype(">u2").tobytes() for line in samples)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    file.write_bytes(
        b"\x89PNG\r\n\x1a\n"
        + b"".join(
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
            for name, data in chunks
        )
    )


def write_tiff(
    file: Path, samples: NDArray[np.int64], kind: str, photometric: int, **tags: int
) -> None:
    """A TIFF file without compression; `kind` is NumPy's name of the samples, with their order."""
    stored = samples.astype(kind)
    height, width, channels = *samples.shape[:2], samples[0, 0].size
    order, bits = "<" if kind[0] == "<" else ">", 8 * stored.itemsize
    entries = [
        (256, [width]),
        (257, [height]),
        (258, [bits] * channels),
        (259, [1]),
        (262, [photometric]),
        (273, [1000]),
        (277, [channels]),
        (278, [height]),
        (279, [stored.nbytes]),
        (339, [tags.get("numbers", 1)] * channels),
    ]
    if "extra" in tags:
        entries.append((338, [tags["extra"]]))
    entries.sort()
    body, beyond = b"", b""
    for number, values in entries:
        data = struct.pack(f"{order}{len(values)}H", *values)
        if len(data) > 4:
            place = struct.pack(f"{order}I", 500 + len(beyond))
            beyond += data
            data = place
        body += struct.pack(f"{order}HHI", number, 3, len(values)) + data.ljust(4, b"\0")
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}HI", 42, 8)
    head += struct.pack(f"{order}H", len(entries)) + body + b"\0\0\0\0"
    file.write_bytes((head.ljust(500, b"\0") + beyond).ljust(1000, b"\0") + stored.tobytes())


@pytest.mark.parametrize("ending", ["png", "tif", "pgm"])
def test_grey_of_sixteen_bits_is_scaled_to_the_nearest(ending: str, tmp_path: Path) -> None:
    file = tmp_path / f"x.{ending}"
    Image.fromarray(DEEP.astype(np.uint16)).save(file)
    assert decoded(file) == nearest(DEEP).tolist()


@pytest.mark.parametrize("kind", ["<u2", ">u2"])
def test_both_orders_of_bytes_are_scaled_alike(kind: str, tmp_path: Path) -> None:
    write_tiff(tmp_path / "x.tif", DEEP, kind, photometric=1)
    assert decoded(tmp_path / "x.tif") == nearest(DEEP).tolist()


def test_twelve_bits_have_their_own_largest_value(tmp_path: Path) -> None:
    values = np.array([[0, 1, 8, 9], [2047, 2048, 4094, 4095]] * 2)
    file = tmp_path / "x.tif"
    write_tiff(file, values, "<u2", photometric=1)
    content = bytearray(file.read_bytes()[:1000])
    place = content.index(struct.pack("<HHI", 258, 3, 1))
    content[place + 8 : place + 10] = struct.pack("<H", 12)
    digits = "".join(f"{value:03x}" for value in values.flatten())
    file.write_bytes(content + bytes.fromhex(digits))
    assert decoded(file) == nearest(values, 4095).tolist()


@pytest.mark.parametrize("compression", ["tiff_lzw", "tiff_adobe_deflate"])
def test_compressed_grey_of_sixteen_bits_is_scaled_alike(compression: str, tmp_path: Path) -> None:
    file = tmp_path / "x.tiff"
    Image.fromarray(DEEP.astype(np.uint16)).save(file, compression=compression)
    assert decoded(file) == nearest(DEEP).tolist()


def test_tiff_whose_zero_is_white_is_turned_round(tmp_path: Path) -> None:
    file = tmp_path / "x.tif"
    write_tiff(file, DEEP, "<u2", photometric=0)
    assert decoded(file) == nearest(65535 - DEEP).tolist()


def test_every_grey_value_of_sixteen_bits_is_nearest_to_its_own(tmp_path: Path) -> None:
    values = np.arange(65536).reshape(256, 256)
    Image.fromarray(values.astype(np.uint16)).save(tmp_path / "x.png")
    made = decode(tmp_path / "x.png", 256, Filter.none)
    assert np.array_equal(made, nearest(values))


def test_eight_bits_repeated_to_sixteen_come_back(tmp_path: Path) -> None:
    values = np.arange(256).reshape(16, 16)
    Image.fromarray((values * 257).astype(np.uint16)).save(tmp_path / "x.png")
    assert np.array_equal(decode(tmp_path / "x.png", 16, Filter.none)[0], values)


@pytest.mark.parametrize(("kind", "channels"), [(2, 3), (6, 4), (0, 1), (4, 2)])
def test_png_of_sixteen_bits_a_channel_is_scaled_to_the_nearest(
    kind: int, channels: int, tmp_path: Path
) -> None:
    samples = np.concatenate([COLOURED, DEEP[..., None]], axis=-1)
    samples = samples[..., -2:] if channels == 2 else samples[..., :channels]
    write_png(tmp_path / "x.png", kind, samples)
    expected = samples[..., 0] if channels < 3 else samples[..., :3]
    assert decoded(tmp_path / "x.png") == nearest(expected).tolist()


@pytest.mark.parametrize("kind", ["<u2", ">u2"])
@pytest.mark.parametrize("extra", [None, 0, 2])
def test_tiff_of_sixteen_bits_a_channel_is_scaled_to_the_nearest(
    kind: str, extra: int | None, tmp_path: Path
) -> None:
    samples, tags = COLOURED, {}
    if extra is not None:
        samples, tags = np.concatenate([COLOURED, DEEP[..., None]], axis=-1), {"extra": extra}
    write_tiff(tmp_path / "x.tif", samples, kind, photometric=2, **tags)
    assert decoded(tmp_path / "x.tif") == nearest(COLOURED).tolist()


def test_portable_pixmap_of_sixteen_bits_is_scaled_to_the_nearest(tmp_path: Path) -> None:
    content = b"P6 4 4 65535\n" + COLOURED.astype(">u2").tobytes()
    (tmp_path / "x.ppm").write_bytes(content)
    assert decoded(tmp_path / "x.ppm") == nearest(COLOURED).tolist()


REFUSED = {
    "real numbers": ("F", lambda file: Image.new("F", (4, 4)).save(file)),
    "32 bits": ("I", lambda file: Image.new("I", (4, 4)).save(file)),
    "32 bits, signed": ("I", lambda file: write_tiff(file, DEEP, "<i4", 1, numbers=2)),
    "32 bits, other order": ("I", lambda file: write_tiff(file, DEEP, ">i4", 1, numbers=2)),
    "16 bits, signed": ("I;16S", lambda file: write_tiff(file, DEEP % 99, "<i2", 1, numbers=2)),
    "real numbers, other order": ("F", lambda file: write_tiff(file, DEEP, ">f4", 1, numbers=3)),
    "multiplied by transparency": (
        "RGBa;16L",
        lambda file: write_tiff(
            file, np.concatenate([COLOURED, DEEP[..., None]], axis=-1), "<u2", 2, extra=1
        ),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_pixels_without_a_range_are_refused_by_file_and_mode(case: str, tmp_path: Path) -> None:
    mode, write = REFUSED[case]
    write(tmp_path / "x.tif")
    with pytest.raises(UserError, match=rf"x\.tif has pixels of mode .*{mode}") as error:
        decode(tmp_path / "x.tif", 4, Filter.none)
    assert "\n" not in str(error.value)


def test_planes_of_sixteen_bits_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.tif"
    write_tiff(file, COLOURED, "<u2", photometric=2)
    content = bytearray(file.read_bytes())
    place = content.index(struct.pack("<HHI", 339, 3, 3))  # the samples' kind, which is the default
    content[place : place + 12] = struct.pack("<HHIHH", 284, 3, 1, 2, 0)
    file.write_bytes(content)
    with pytest.raises(UserError, match="layout that Pillow"):
        decode(file, 4, Filter.none)


def test_portable_float_map_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.pfm").write_bytes(b"Pf\n1 1\n-1.0\n" + struct.pack("<f", 0.5))
    with pytest.raises(UserError, match="mode F"):
        decode(tmp_path / "x.pfm", 1, Filter.none)


EXACT = {
    "1": ("png", lambda image: image.convert("1")),
    "L": ("png", lambda image: image.convert("L")),
    "LA": ("png", lambda image: image.convert("LA")),
    "P": ("png", lambda image: image.quantize(7)),
    "RGB": ("png", lambda image: image),
    "RGBA": ("png", lambda image: image.convert("RGBA")),
    "RGB of BMP": ("bmp", lambda image: image),
    "P of GIF": ("gif", lambda image: image.quantize(7)),
    "CMYK": ("tif", lambda image: image.convert("CMYK")),
    "LAB": ("tif", lambda image: Image.fromarray(np.asarray(image), mode="LAB")),
    "YCbCr": ("tif", lambda image: image.convert("YCbCr")),
}


@pytest.fixture
def noise() -> Image.Image:
    values = np.random.RandomState(0).randint(0, 256, (4, 4, 3))
    return Image.fromarray(values.astype(np.uint8))


@pytest.mark.parametrize("mode", EXACT)
def test_eight_bits_keep_their_colour(mode: str, noise: Image.Image, tmp_path: Path) -> None:
    ending, convert = EXACT[mode]
    made = convert(noise)
    made.save(tmp_path / f"x.{ending}")
    expected = np.asarray(made.convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(decode(tmp_path / f"x.{ending}", 4, Filter.none), expected)


def test_colours_of_lab_are_those_of_srgb(tmp_path: Path) -> None:
    Image.fromarray(np.full((4, 4, 3), [138, 81, 70], np.uint8), mode="LAB").save(
        tmp_path / "x.tif"
    )
    red, green, blue = decode(tmp_path / "x.tif", 4, Filter.none)[:, 0, 0].astype(int)
    # L* 54.3, a* 80.8, b* 69.9 is pure red seen in the light of the profile, D50.
    assert red > 245
    assert green < 15
    assert blue < 15


@pytest.mark.parametrize("transparent", [0, bytes([0, 100, 255])])
def test_palettes_keep_the_colours_of_transparent_entries(
    transparent: int | bytes, tmp_path: Path
) -> None:
    image = Image.new("P", (4, 4), 1)
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90])
    image.putpixel((0, 0), 0)
    image.save(tmp_path / "x.png", transparency=transparent)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # nothing is printed of a transparency that is dropped
        made = decode(tmp_path / "x.png", 4, Filter.none)
    assert made[:, 0, 0].tolist() == [10, 20, 30]
    assert made[:, 1, 1].tolist() == [40, 50, 60]


def test_colour_behind_transparency_is_kept(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (9, 99, 199, 0)).save(tmp_path / "x.png")
    assert decode(tmp_path / "x.png", 4, Filter.none)[:, 0, 0].tolist() == [9, 99, 199]


@pytest.mark.parametrize("ending", ["gif", "png", "webp", "tif"])
def test_first_of_several_pictures_is_taken(ending: str, tmp_path: Path) -> None:
    first, second = Image.new("RGB", (4, 4), (255, 0, 0)), Image.new("RGB", (4, 4), (0, 0, 255))
    how = {"lossless": True} if ending == "webp" else {}
    first.save(tmp_path / f"x.{ending}", save_all=True, append_images=[second], **how)
    assert decode(tmp_path / f"x.{ending}", 4, Filter.none)[:, 0, 0].tolist() == [255, 0, 0]


def test_pixels_stay_as_they_are_stored_whatever_a_note_on_orientation_says(
    noise: Image.Image, tmp_path: Path
) -> None:
    notes = Image.Exif()
    notes[0x0112] = 6  # to be turned by a quarter
    noise.save(tmp_path / "x.png", exif=notes)
    stored = np.asarray(noise).transpose(2, 0, 1)
    assert np.array_equal(decode(tmp_path / "x.png", 4, Filter.none), stored)
