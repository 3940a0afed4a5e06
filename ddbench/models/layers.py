"""What architectures share: norms, and the padding of small images."""

from __future__ import annotations

import enum
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.autograd import forward_ad

from ..errors import UserError

GROUPS = 4  # of `norm=group`, as in the dataset condensation networks


class Norm(enum.Enum):
    """The normalisation after each convolution."""

    instance = "instance"
    batch = "batch"
    group = "group"
    none = "none"


def norm_layer(norm: Norm, channels: int) -> nn.Module:
    """The layer of a norm; `instance` is a GroupNorm with one group per channel.

    Raises:
        UserError: when the channels cannot be divided into groups.
    """
    if norm is Norm.instance:
        return nn.GroupNorm(channels, channels)
    if norm is Norm.group:
        if channels % GROUPS:
            raise UserError(f"model.width={channels}: norm=group needs a multiple of {GROUPS}")
        return nn.GroupNorm(GROUPS, channels)
    return nn.BatchNorm2d(channels) if norm is Norm.batch else nn.Identity()


def first_padding(resolution: int, kernel: int) -> tuple[int, int]:
    """Padding of the first convolution (pixels per side), and the side of the maps it gives.

    28 pixels, MNIST's, are padded to 32 and other resolutions kept: the released ConvNet, VGG11 and
    AlexNet of DC, MTT and APM do so with images of one channel. Their ResNet18 keeps 28 pixels and
    gives other outputs than a padded one; here all networks see maps of the same size.
    """
    extra = 2 if resolution == 28 else 0
    return kernel // 2 + extra, resolution + 2 * extra


def may_be_joined(layers: Iterable[nn.Module], images: Tensor) -> bool:
    """Whether layers may be computed as one operation with its own derivatives.

    This pays off on a CPU. `torch.func` and forward-mode differentiation need more from an
    operation than first and second derivatives, and a hook needs its layer to be called.
    """
    if images.device.type != "cpu" or images.dtype not in (torch.float32, torch.float64):
        return False
    if forward_ad._current_level >= 0 or torch._C._are_functorch_transforms_active():
        return False
    return not any(layer._forward_hooks or layer._forward_pre_hooks for layer in layers)
