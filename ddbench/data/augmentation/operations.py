"""The operations of DSA as pure functions of images and parameters.

Images are (N, C, H, W), parameters of length N, or of length 1 to treat all images alike. All are
differentiable in the images. Images are normalised, never clipped: the zeros that fill the outside
are the mean of the data set.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def brightness(x: Tensor, amount: Tensor) -> Tensor:
    """Add an amount to every value of an image: x + a.

    Args:
        x: images (N, C, H, W).
        amount: (N,) or (1,); DSA draws from (-0.5, 0.5).
    """
    return x + _per_image(amount, x)


def saturation(x: Tensor, factor: Tensor) -> Tensor:
    """Scale the distance of every pixel's channels from their mean: (x - m) f + m.

    The identity for images of one channel.

    Args:
        x: images (N, C, H, W).
        factor: (N,) or (1,); DSA draws from (0, 2).
    """
    if x.shape[1] == 1:
        return x
    return torch.lerp(x.mean(dim=1, keepdim=True), x, _per_image(factor, x))


def contrast(x: Tensor, factor: Tensor) -> Tensor:
    """Scale the distance of all values from the mean of their image: (x - m) f + m.

    Args:
        x: images (N, C, H, W).
        factor: (N,) or (1,); DSA draws from (0.5, 1.5).
    """
    return torch.lerp(x.mean(dim=(1, 2, 3), keepdim=True), x, _per_image(factor, x))


def color(x: Tensor, amount: Tensor, saturating: Tensor, contrasting: Tensor) -> Tensor:
    """Brightness, saturation and contrast, in this order, as one affine map of every pixel.

    With a, s and c the three parameters, m the mean of the pixel over its channels and M the mean
    of the image: c s x + c (1 - s) m + (1 - c) M + a. (Saturation leaves M unchanged, and
    brightness shifts it by a.) One pass over the images instead of three is several times faster.

    Args:
        x: images (N, C, H, W).
        amount: of `brightness`, (N,) or (1,).
        saturating: the factor of `saturation`.
        contrasting: the factor of `contrast`.
    """
    a, s, c = (_per_image(parameter, x) for parameter in (amount, saturating, contrasting))
    of_pixel = x.mean(dim=1, keepdim=True)
    of_image = of_pixel.mean(dim=(2, 3), keepdim=True)
    gain = c * s
    return torch.addcmul((c - gain) * of_pixel + ((1 - c) * of_image + a), x, gain)


def shift(x: Tensor, dx: Tensor, dy: Tensor) -> Tensor:
    """Move every image by whole pixels: pixel (i, j) becomes pixel (i + dy, j + dx), or 0 outside.

    This is equivalent to a crop of the zero-padded image.

    Args:
        x: images (N, C, H, W).
        dx: columns, integers (N,) or (1,); DSA draws from -s..s with s = int(W / 8 + 0.5).
        dy: rows, the same for H.
    """
    moved: Tensor = _Shift.apply(x, dx, dy)
    return moved


class _Shift(torch.autograd.Function):
    """A shift whose backward pass is the opposite shift of the gradient.

    Derived from the gather below, the backward pass would be a scatter, which is slow on a GPU
    where it has to add in a fixed order; the bits are the same.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, dx: Tensor, dy: Tensor) -> Tensor:
        ctx.save_for_backward(dx, dy)
        return _shifted(x, dx, dy)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        dx, dy = ctx.saved_tensors
        # Adding 0 makes a zero positive, as a sum that begins at 0 does.
        return shift(gradient, -dx, -dy) + 0.0, None, None


def _shifted(x: Tensor, dx: Tensor, dy: Tensor) -> Tensor:
    number, channels, height, width = x.shape
    rows = torch.arange(height, device=x.device) + dy.view(-1, 1)
    columns = torch.arange(width, device=x.device) + dx.view(-1, 1)
    inside_rows = (rows >= 0) & (rows < height)
    inside_columns = (columns >= 0) & (columns < width)
    inside = inside_rows.view(-1, 1, height, 1) & inside_columns.view(-1, 1, 1, width)
    source = rows.clamp(0, height - 1).unsqueeze(2) * width + columns.clamp(0, width - 1).unsqueeze(
        1
    )
    source = source.view(-1, 1, height * width).expand(number, channels, -1)
    return x.flatten(2).gather(2, source).view_as(x) * inside


def cutout(x: Tensor, cx: Tensor, cy: Tensor, sides: tuple[int, int]) -> Tensor:
    """Erase a rectangle with zeros, clipped at the borders.

    Rows cy - h // 2 up to, but not including, cy - h // 2 + h are erased, and columns likewise.

    Args:
        x: images (N, C, H, W).
        cx: columns of the centres, integers (N,) or (1,).
        cy: rows of the centres. DSA draws from 0..H where the side is even and else from
            0..H - 1: at 32 pixels and side 16, between 8 and 16 rows are erased.
        sides: height h and width w of the rectangle.
    """
    height, width = sides
    top, left = (cy - height // 2).view(-1, 1, 1, 1), (cx - width // 2).view(-1, 1, 1, 1)
    rows = torch.arange(x.shape[2], device=x.device).view(-1, 1)
    columns = torch.arange(x.shape[3], device=x.device)
    in_rows = (rows >= top) & (rows < top + height)
    in_columns = (columns >= left) & (columns < left + width)
    return x.masked_fill(in_rows & in_columns, 0.0)


def flip(x: Tensor, mask: Tensor) -> Tensor:
    """Mirror the images that the mask selects, left to right.

    Args:
        x: images (N, C, H, W).
        mask: bool (N,) or (1,).
    """
    return torch.where(mask.view(-1, 1, 1, 1), x.flip(3), x)


def scale(x: Tensor, sx: Tensor, sy: Tensor) -> Tensor:
    """Zoom about the middle, bilinear, zeros outside; a factor above 1 makes the content smaller.

    The affine map is diagonal, so bilinear sampling is a product with one matrix for the rows and
    one for the columns. That is faster than sampling on a grid and, unlike its gradient on a GPU,
    gives the same bits every time. Without a translation, the `align_corners` of grid sampling
    changes nothing here: either way, a pixel at offset u from the middle is sampled at s u.

    Args:
        x: images (N, C, H, W).
        sx: horizontal factors (N,) or (1,); DSA draws from (1 / 1.2, 1.2).
        sy: vertical factors.
    """
    number, channels, height, width = x.shape
    # A matrix product in half precision would round the pixels themselves.
    with torch.autocast(x.device.type, enabled=False):
        across = _zoom_matrix(sx, width, x).mT
        down = _zoom_matrix(sy, height, x).unsqueeze(1)
        wide = torch.matmul(x.reshape(number, channels * height, width), across)
        return torch.matmul(down, wide.view(number, channels, height, width))


def rotate(x: Tensor, radians: Tensor, align_corners: bool = True) -> Tensor:
    """Turn images about the middle, bilinear, zeros outside.

    Args:
        x: images (N, C, H, W).
        radians: (N,) or (1,); a positive angle turns the content anticlockwise. DSA draws from
            -15 to 15 degrees.
        align_corners: as in grid sampling; it matters only for images that are not square.
    """
    cosine, sine = torch.cos(radians).to(x.dtype), torch.sin(radians).to(x.dtype)
    zero = torch.zeros_like(cosine)
    theta = torch.stack([cosine, -sine, zero, sine, cosine, zero], dim=1).view(-1, 2, 3)
    theta = theta.expand(x.shape[0], 2, 3)
    grid = F.affine_grid(theta, list(x.shape), align_corners=align_corners)
    if x.device.type == "cpu" or x.shape[2] != x.shape[3] or not x.requires_grad:
        return F.grid_sample(x, grid, align_corners=align_corners)
    turned: Tensor = _ReproducibleRotation.apply(x, cosine, sine, grid, align_corners)
    return turned


class _ReproducibleRotation(torch.autograd.Function):
    """Rotation of square images whose gradient has the same bits every time, on a GPU too.

    On a GPU, grid sampling accumulates its gradient with atomic operations in any order, so a
    resumed run would not repeat an uninterrupted one. Here every pixel *gathers* its gradient: it
    is within one pixel, in rows and in columns, of the samples that read it. A rotation preserves
    distances, so those samples are within sqrt(2) < 1.5 of the pixel's own place in the rotated
    image, that is, among the 3 x 3 neighbours of the nearest pixel there.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, cosine: Tensor, sine: Tensor, grid: Tensor, align_corners: bool
    ) -> Tensor:
        ctx.save_for_backward(cosine, sine)
        return F.grid_sample(x, grid, align_corners=align_corners)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        cosine, sine = (saved.view(-1, 1, 1) for saved in ctx.saved_tensors)
        return _gather_rotation_gradient(gradient, cosine, sine), None, None, None, None


def _gather_rotation_gradient(gradient: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """The gradient with respect to square images (N, C, H, H), given that of the rotated ones."""
    number, channels, side, _ = gradient.shape
    middle = (side - 1) / 2
    u = torch.arange(side, device=gradient.device, dtype=gradient.dtype) - middle
    row, column = u.view(-1, 1), u.view(1, -1)
    near_row = (cosine * row - sine * column + middle).round()
    near_column = (sine * row + cosine * column + middle).round()
    flat = gradient.flatten(2)
    total = torch.zeros_like(gradient)
    for step in range(9):
        at_row, at_column = near_row + (step // 3 - 1), near_column + (step % 3 - 1)
        v, h = at_row - middle, at_column - middle
        weight = (1 - (sine * h + cosine * v - row).abs()).clamp(min=0)
        weight = weight * (1 - (cosine * h - sine * v - column).abs()).clamp(min=0)
        last = side - 1
        weight = weight * ((at_row >= 0) & (at_row <= last) & (at_column >= 0))
        weight = weight * (at_column <= last)
        source = at_row.clamp(0, last) * side + at_column.clamp(0, last)
        source = source.long().view(-1, 1, side * side).expand(number, channels, -1)
        total += flat.gather(2, source).view_as(gradient) * weight.unsqueeze(1)
    return total


def _per_image(parameter: Tensor, x: Tensor) -> Tensor:
    return parameter.to(x.dtype).view(-1, 1, 1, 1)


def _zoom_matrix(factor: Tensor, side: int, x: Tensor) -> Tensor:
    """Weights (n, side, side) of source pixels (last) in every zoomed pixel (bilinear)."""
    u = torch.arange(side, device=x.device, dtype=x.dtype) - (side - 1) / 2
    source = factor.to(x.dtype).view(-1, 1) * u
    return (1 - (source.unsqueeze(2) - u).abs()).clamp(min=0)
