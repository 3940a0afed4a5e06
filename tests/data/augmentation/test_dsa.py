"""The augmentation against plain references, one image at a time."""

from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from closeness import assert_close

from ddbench.data.augmentation.dsa import DSA, OPERATIONS, Draw
from ddbench.data.augmentation.operations import (
    _gather_rotation_gradient,
    brightness,
    contrast,
    cutout,
    flip,
    rotate,
    saturation,
    scale,
    shift,
)
from ddbench.errors import UserError

pytestmark = pytest.mark.numerical
COLOUR = 3 + 3 * 8 * 8 + 6
"""Terms: means over channels and over an image, and a few products."""
BILINEAR = 4 * 4 * 8
"""Terms: four pixels, whose weights are differences of coordinates up to 8 rounded four times."""


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def images(number=5, channels=3, height=8, width=8, dtype=torch.float64):
    return torch.randn(number, channels, height, width, generator=generator(7), dtype=dtype)


def bilinear(image, row, column):
    """One sample of an image (C, H, W) by hand; pixels outside are 0."""
    top, left = math.floor(row), math.floor(column)
    total = np.zeros(image.shape[0])
    for r in (top, top + 1):
        for c in (left, left + 1):
            if 0 <= r < image.shape[1] and 0 <= c < image.shape[2]:
                total += image[:, r, c] * (1 - abs(row - r)) * (1 - abs(column - c))
    return total


def sampled(x, matrices):
    """Affine sampling of a batch by hand in coordinates from -1 to 1 (corners aligned)."""
    out = np.zeros(x.shape)
    _, _, height, width = x.shape
    for n, ((a, b), (c, d)) in enumerate(matrices):
        for i in range(height):
            for j in range(width):
                h, v = 2 * j / (width - 1) - 1, 2 * i / (height - 1) - 1
                column = (a * h + b * v + 1) / 2 * (width - 1)
                row = (c * h + d * v + 1) / 2 * (height - 1)
                out[n, :, i, j] = bilinear(x[n].numpy(), row, column)
    return torch.from_numpy(out)


def test_colour_operations_equal_their_formulas():
    x, u = images(), torch.rand(5, generator=generator(1), dtype=torch.float64)
    for n in range(5):
        image, a = x[n].numpy(), float(u[n])
        per_pixel = image.mean(axis=0, keepdims=True)
        assert_close(brightness(x, u)[n], image + a, terms=1)
        saturated = (image - per_pixel) * 2 * a + per_pixel
        assert_close(saturation(x, 2 * u)[n], saturated, terms=COLOUR)
        contrasted = (image - image.mean()) * (a + 0.5) + image.mean()
        assert_close(contrast(x, u + 0.5)[n], contrasted, terms=COLOUR)


@pytest.mark.parametrize("channels", [1, 3])
def test_colour_is_brightness_then_saturation_then_contrast(channels):
    x, dsa = images(channels=channels), DSA(strategy=("color",))
    for n in (1, 5):
        draw = dsa.draw(n, 8, 8, generator())
        a, s, c = (draw.parameters[name] for name in ("amount", "saturating", "contrasting"))
        expected = contrast(saturation(brightness(x, a), s), c)
        assert_close(dsa.apply(x, draw), expected, terms=3 * COLOUR)


def test_saturation_leaves_images_of_one_channel_alone():
    x = images(channels=1)
    assert torch.equal(saturation(x, torch.full((5,), 1.7)), x)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (6, 9)])
def test_shift_equals_slicing_with_zero_fill(height, width):
    x = images(height=height, width=width)
    dx, dy = torch.tensor([0, 1, -1, 3, -4]), torch.tensor([0, -2, 1, 4, -3])
    expected = np.zeros(x.shape)
    for n in range(5):
        padded = np.pad(x[n].numpy(), ((0, 0), (4, 4), (4, 4)))
        top, left = 4 + int(dy[n]), 4 + int(dx[n])
        expected[n] = padded[:, top : top + height, left : left + width]
    assert np.array_equal(shift(x, dx, dy).numpy(), expected)


def test_gradients_of_a_shift_have_the_bits_of_those_of_a_gather():
    """First and second order; some images leave the frame, and some gradients are zero."""
    generator = torch.Generator().manual_seed(0)
    x, weight = torch.randn(2, 9, 3, 6, 5, generator=generator)
    weight[:, :, ::2] *= 0
    dx, dy = torch.randint(-7, 8, (2, 9), generator=generator)
    found = []
    for move in (shift, gathered):
        leaf = x.clone().requires_grad_()
        loss = (move(leaf, dx, dy).square() * weight).sum()
        (first,) = torch.autograd.grad(loss, leaf, create_graph=True)
        (second,) = torch.autograd.grad(first.square().sum(), leaf)
        found.append((first.detach().view(torch.int32), second.view(torch.int32)))
    assert all(torch.equal(own, other) for own, other in zip(*found, strict=True))


def gathered(x, dx, dy):
    """The shift by automatic differentiation of a gather from the padded images."""
    number, channels, height, width = x.shape
    rows = torch.arange(height) - height + dy.view(-1, 1) + 2 * height
    columns = torch.arange(width) - width + dx.view(-1, 1) + 2 * width
    padded = torch.nn.functional.pad(x, (2 * width, 2 * width, 2 * height, 2 * height))
    source = (rows + height).unsqueeze(2) * (5 * width) + (columns + width).unsqueeze(1)
    source = source.view(number, 1, -1).expand(number, channels, -1)
    return padded.flatten(2).gather(2, source).view_as(x)


@pytest.mark.parametrize("side", [4, 5])
def test_cutout_erases_the_rows_and_columns_around_the_centre_within_the_image(side):
    centres = list(range(8 + 1 - side % 2))
    x = images(number=len(centres) ** 2)
    cy, cx = (
        grid.flatten() for grid in torch.meshgrid(*[torch.tensor(centres)] * 2, indexing="ij")
    )
    expected = x.numpy().copy()
    for n in range(len(x)):
        for i in range(side):
            for j in range(side):
                # The published code clamps each erased position into the image.
                row = min(max(int(cy[n]) - side // 2 + i, 0), 7)
                column = min(max(int(cx[n]) - side // 2 + j, 0), 7)
                expected[n, :, row, column] = 0
    assert np.array_equal(cutout(x, cx, cy, (side, side)).numpy(), expected)


def test_cutout_erases_between_8_and_16_rows_of_32():
    dsa = DSA(strategy=("cutout",))
    x = torch.ones(4000, 1, 32, 32)
    out = dsa(x, generator())
    rows = (out == 0).any(dim=3).sum(dim=2).flatten()
    columns = (out == 0).any(dim=2).sum(dim=2).flatten()
    for erased in (rows, columns):
        assert set(erased.tolist()) == set(range(8, 17))


def test_flip_mirrors_the_images_of_the_mask():
    x, mask = images(), torch.tensor([True, False, True, False, False])
    out = flip(x, mask).numpy()
    for n in range(5):
        image = x[n].numpy()
        assert np.array_equal(out[n], image[:, :, ::-1] if mask[n] else image)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 10)])
def test_scale_equals_bilinear_sampling_by_hand(height, width):
    x = images(height=height, width=width)
    sx = torch.tensor([1.0, 1.2, 1 / 1.2, 0.9, 1.1], dtype=torch.float64)
    sy = torch.tensor([1.0, 1 / 1.2, 1.13, 1.2, 0.97], dtype=torch.float64)
    expected = sampled(x, [((float(a), 0), (0, float(b))) for a, b in zip(sx, sy, strict=True)])
    assert_close(scale(x, sx, sy), expected, terms=BILINEAR)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (7, 10)])
def test_rotate_equals_bilinear_sampling_by_hand(height, width):
    x = images(height=height, width=width)
    angles = torch.deg2rad(torch.tensor([0.0, 15.0, -15.0, 4.0, -9.5], dtype=torch.float64))
    matrices = [((math.cos(a), -math.sin(a)), (math.sin(a), math.cos(a))) for a in angles.tolist()]
    assert_close(rotate(x, angles), sampled(x, matrices), terms=BILINEAR)


@pytest.mark.parametrize("align_corners", [True, False])
def test_scale_and_rotate_equal_grid_sampling_with_either_corner_rule(align_corners):
    x = images()
    angle = torch.linspace(-0.26, 0.26, 5, dtype=torch.float64)
    sx, sy = 1 + angle / 2, 1 - angle / 2
    zero = torch.zeros(5, dtype=torch.float64)
    zoom = torch.stack([sx, zero, zero, zero, sy, zero], dim=1).view(5, 2, 3)
    turn = torch.stack(
        [angle.cos(), -angle.sin(), zero, angle.sin(), angle.cos(), zero], dim=1
    ).view(5, 2, 3)
    for theta, ours in (
        (zoom, scale(x, sx, sy)),
        (turn, rotate(x, angle)),  # square images: the corner rule changes nothing
        (turn, rotate(x, angle, align_corners)),
    ):
        grid = F.affine_grid(theta, list(x.shape), align_corners=align_corners)
        expected = F.grid_sample(x, grid, align_corners=align_corners)
        assert_close(ours, expected, terms=BILINEAR)


@pytest.mark.parametrize("count", [1, 4])
def test_collected_rotation_gradient_equals_that_of_grid_sampling(count):
    x = images(number=4, height=9, width=9).requires_grad_()
    for degrees in (0.0, 3.0, 15.0, -15.0, 45.0):
        angle = torch.linspace(0.3, 1.0, count, dtype=torch.float64) * math.radians(degrees)
        gradient = torch.randn(x.shape, generator=generator(3), dtype=x.dtype)
        (expected,) = torch.autograd.grad(rotate(x, angle), x, gradient)
        cosine, sine = angle.cos().view(-1, 1, 1), angle.sin().view(-1, 1, 1)
        found = _gather_rotation_gradient(gradient, cosine, sine)
        assert_close(found, expected, terms=BILINEAR)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("operation", OPERATIONS)
def test_gpu_agrees_with_cpu_and_repeats_its_gradient(operation):
    dsa = DSA(strategy=(operation,))
    x = images(64, 3, 32, 32, torch.float32)
    draw = dsa.draw(64, 32, 32, generator())
    results = []
    for device in ("cpu", "cuda", "cuda"):
        leaf = x.to(device).requires_grad_()
        out = dsa.apply(leaf, draw)
        (gradient,) = torch.autograd.grad(out, leaf, torch.sin(leaf.detach() * 9))
        results.append((out.detach().cpu(), gradient.cpu()))
    for on_cpu, on_gpu in zip(*results[:2], strict=True):
        # Colour takes means over 3 * 32 * 32 pixels; coordinates are four times those of BILINEAR.
        assert_close(on_gpu, on_cpu, terms=3 * 32 * 32 + 4 * BILINEAR)
    assert torch.equal(results[1][1], results[2][1])


@pytest.mark.parametrize("operation", OPERATIONS)
def test_siamese_gives_one_set_of_parameters_to_both_batches(operation):
    dsa = DSA(strategy=(operation,))
    real, distilled = images(6, dtype=torch.float32), images(2, dtype=torch.float32)
    draw = dsa.draw(1, 8, 8, generator(2))
    together = dsa.apply(torch.cat([real, distilled]), draw)
    apart = torch.cat([dsa.apply(real, draw), dsa.apply(distilled, draw)])
    terms = max(COLOUR, BILINEAR)
    assert_close(together, apart, terms=terms)
    assert_close(apart[:6], dsa.apply(real, draw.repeat(6)), terms=terms)
    assert_close(apart[:6], dsa(real, generator(2), siamese=True), terms=terms)


def test_repeat_gives_every_image_the_parameters_of_its_class():
    draw = DSA(strategy=("scale",)).draw(3, 8, 8, generator())
    sx = draw.parameters["sx"].tolist()
    assert draw.repeat(2).parameters["sx"].tolist() == [sx[0]] * 2 + [sx[1]] * 2 + [sx[2]] * 2
    for counts in ([1, 0, 2], torch.tensor([1, 0, 2])):
        assert draw.repeat(counts).parameters["sx"].tolist() == [sx[0], sx[2], sx[2]]


def test_the_generator_alone_determines_the_draw():
    x, dsa = images(dtype=torch.float32), DSA()
    first = [dsa(x, source) for source in [generator(5)] for _ in range(20)]
    torch.rand(3)
    second = [dsa(x, source) for source in [generator(5)] for _ in range(20)]
    assert all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_every_operation_is_chosen_equally_often():
    dsa, source = DSA(), generator()
    chosen = Counter(dsa.draw(1, 8, 8, source).operation for _ in range(3000))
    assert set(chosen) == set(OPERATIONS)
    assert all(400 < count < 600 for count in chosen.values())


RANGES = {
    ("color", "amount"): (-0.5, 0.5),
    ("color", "saturating"): (0.0, 2.0),
    ("color", "contrasting"): (0.5, 1.5),
    ("crop", "dx"): (-4, 4),
    ("crop", "dy"): (-4, 4),
    ("cutout", "cx"): (0, 32),
    ("cutout", "cy"): (0, 32),
    ("flip", "mask"): (0, 1),
    ("scale", "sx"): (1 / 1.2, 1.2),
    ("scale", "sy"): (1 / 1.2, 1.2),
    ("rotate", "radians"): (-math.radians(15), math.radians(15)),
}


@pytest.mark.parametrize(("operation", "name"), RANGES)
def test_parameters_fill_their_range_evenly(operation, name):
    draw = DSA(strategy=(operation,)).draw(20_000, 32, 32, generator())
    values, (low, high) = draw.parameters[name].double(), RANGES[operation, name]
    slack = 0.01 * (high - low)
    assert low - 1e-6 <= float(values.min()) <= low + slack
    assert high - slack <= float(values.max()) <= high + 1e-6
    assert float(values.mean()) == pytest.approx((low + high) / 2, abs=2 * slack)


def test_sizes_follow_the_image():
    source = generator()
    crop, cut = DSA(strategy=("crop",)), DSA(strategy=("cutout",))
    assert int(crop.draw(5000, 64, 28, source).parameters["dy"].max()) == 8
    assert int(crop.draw(5000, 64, 28, source).parameters["dx"].max()) == 4
    # An odd side (15 of 30) has no centre on the far border.
    assert int(cut.draw(5000, 30, 32, source).parameters["cy"].max()) == 29
    assert int(cut.draw(5000, 30, 32, source).parameters["cx"].max()) == 32


@pytest.mark.parametrize("siamese", [False, True])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_gradient_is_exact_and_shape_and_type_are_kept(operation, channels, siamese):
    dsa = DSA(strategy=(operation,))
    x = images(3, channels, 6, 6).requires_grad_()
    draw = dsa.draw(1 if siamese else 3, 6, 6, generator(4))
    out = dsa.apply(x, draw)
    assert out.shape == x.shape
    assert out.dtype == x.dtype
    assert torch.autograd.gradcheck(lambda leaf: dsa.apply(leaf, draw), x)


def test_images_are_not_changed_in_place():
    for operation in OPERATIONS:
        x = images(dtype=torch.float32)
        before = x.clone()
        DSA(strategy=(operation,))(x, generator())
        assert torch.equal(x, before)


def test_unknown_and_missing_operations_are_refused():
    with pytest.raises(UserError, match="did you mean rotate"):
        DSA(strategy=("flip", "rotat"))
    with pytest.raises(UserError, match="no operation"):
        DSA(strategy=())
    with pytest.raises(UserError, match="unknown augmentation operation"):
        DSA().apply(images(), Draw("blur", {}))
