"""Any network of the library timm, untrained, with its stem adapted to small images.

R. Wightman, "PyTorch Image Models". Nothing is downloaded: weights are always random.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Self

import torch
from torch import Tensor, nn

from ...errors import UserError
from ...plugins.settings import setting
from ..model import Model, ModelSettings

DEFAULT = "convnext_atto"
TRACED = 224  # pixels; large enough that maps of different strides differ in size
SIDES = (8, 16, 24, 32, 48, 56, 64, 96, 112, 128, 160, 192, 224, 240, 256, 288, 384, 448, 512)
"""Sides of images that are tried for the error message when a network is refused."""
STEMS = ("patch_embed", "stem")  # where timm's networks cut images into patches
CONVOLUTIONAL_GRID = 4
"""Least side of the last maps from 16 pixels on, as in ConvNet; below, a quarter of the image."""
TOKEN_GRID = 7
"""Least side of an isotropic transformer's grid from 28 pixels on, as with patches of 32 in 224
pixels; below, that of a convolutional network's last maps."""


class TimmModel(Model):
    """A timm network whose total stride fits the images.

    Networks made for large images shrink them 32 times. Strides and poolings are reduced, starting
    at the input and no more than needed, until the last maps are at least 4x4 (2x2 below 16
    pixels); a network with a patch size gets a smaller one. A first convolution that loses its
    stride becomes 3x3, as is usual for small images. A network that still cannot take the images is
    built for their size without other changes, or as a last resort left as it is. `adaptation` says
    what was changed; docs/timm.md has a network from each of timm's families.
    """

    @dataclass
    class Settings(ModelSettings):
        """Settings of a timm network."""

        architecture: str | None = setting(
            None, f"name in timm, such as resnet18 or vit_tiny_patch16_224; null: {DEFAULT}"
        )

        def for_device(self, device_type: str) -> Self:
            """Fill in the architecture."""
            return replace(self, architecture=self.architecture or DEFAULT)

    def __init__(
        self, settings: ModelSettings, channels: int, resolution: int, classes: int
    ) -> None:
        """Build for square images (N, channels, resolution, resolution).

        Raises:
            UserError: for an unknown name, or a network that cannot take the images.
        """
        super().__init__(settings, channels, resolution, classes)
        assert isinstance(settings, TimmModel.Settings)
        name = settings.architecture or DEFAULT
        check_timm_name(name)
        options = {"in_chans": channels, "num_classes": classes}
        self.network, self.adaptation = _fitted(name, options, resolution)
        self.network.train()

    def features(self, images: Tensor) -> Tensor:
        """Flat features (N, F), before the classifier."""
        return _features(self.network, images)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (N, classes)."""
        logits: Tensor = self.network(images)
        return logits


def check_timm_name(name: str) -> None:
    """Refuse a name that timm does not have.

    Raises:
        UserError: with similar names.
    """
    import timm  # takes seconds

    if not timm.is_model(name):
        known = timm.list_models()
        near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        hint = f"did you mean {' or '.join(near)}?" if near else f"timm has {len(known)} others"
        raise UserError(f"unknown timm model {name!r}: {hint}")


def _features(network: Any, images: Tensor) -> Tensor:
    maps = network.forward_features(images)
    features: Tensor = network.forward_head(maps, pre_logits=True)
    return features.flatten(1)


def _fitted(name: str, options: dict[str, Any], resolution: int) -> tuple[nn.Module, str]:
    """A network that takes images of a resolution, and what was changed.

    Raises:
        UserError: when it takes them neither adapted, nor built for their size, nor as it is.
    """
    for attempt in (_adapted, _built_for_size, _as_it_is):
        try:
            network, changes = attempt(name, options, resolution)
            _try_out(network, options, resolution)
        except Exception:  # networks refuse in as many ways as there are networks
            continue
        return network, changes
    raise _refusal(name, options, resolution)


@torch.no_grad()
def _try_out(network: nn.Module, options: dict[str, Any], resolution: int) -> None:
    """Raise for a network that does not map two images to logits and flat features."""
    images = torch.zeros(2, options["in_chans"], resolution, resolution)
    logits, features = network.eval()(images), _features(network, images)
    if tuple(logits.shape) != (2, options["num_classes"]) or features.ndim != 2:
        raise ValueError(f"logits of shape {tuple(logits.shape)}")


def _refusal(name: str, options: dict[str, Any], resolution: int) -> UserError:
    """An error that says what the network would take, which its own exceptions do not."""
    told = f"timm's {name} cannot take {resolution}x{resolution} images"
    for larger in (size for size in SIDES if size > resolution):
        for attempt in (_built_for_size, _as_it_is):
            with suppress(Exception):
                _try_out(attempt(name, options, larger)[0], options, larger)
                return UserError(f"{told}: the next size that it is known to take is {larger}")
    return UserError(f"{told}: it gives no logits of (N, {options['num_classes']}) at any size")


def _adapted(name: str, options: dict[str, Any], resolution: int) -> tuple[nn.Module, str]:
    """The network with smaller patches, or smaller strides."""
    import timm

    usual = timm.create_model(name, pretrained=False, **options)
    patches = (getattr(getattr(usual, stem, None), "patch_size", None) for stem in STEMS)
    patch = next((size for size in patches if size is not None), None)
    if patch is not None and _takes(name, options, img_size=resolution):
        return _with_smaller_patches(name, options, resolution, _side(patch))
    return usual, _with_smaller_strides(usual, options["in_chans"], resolution)


def _built_for_size(name: str, options: dict[str, Any], resolution: int) -> tuple[nn.Module, str]:
    """The network told the image size, from which some derive windows and position embeddings."""
    import timm

    network = timm.create_model(name, pretrained=False, img_size=resolution, **options)
    return network, f"input size {resolution}"


def _as_it_is(name: str, options: dict[str, Any], resolution: int) -> tuple[nn.Module, str]:
    import timm

    return timm.create_model(name, pretrained=False, **options), ""


def _takes(name: str, options: dict[str, Any], **more: Any) -> bool:
    """Whether a constructor accepts further arguments, even if it refuses their values."""
    import timm

    try:
        timm.create_model(name, pretrained=False, **options, **more)
    except TypeError:
        return False
    except Exception:  # the argument is known; its value is too small for the usual patches
        return True
    return True


def _with_smaller_patches(
    name: str, options: dict[str, Any], resolution: int, usual: int
) -> tuple[nn.Module, str]:
    """The network with the largest patches, among halved sizes, that leave a large enough grid."""
    import timm

    wanted = _least_side(resolution)
    refusal: Exception | None = None
    for patch in _halved(usual):
        sizes = {"img_size": resolution}
        if patch != usual:
            sizes["patch_size"] = patch
        try:
            network = timm.create_model(name, pretrained=False, **(options | sizes))
            grid = _last_side(network, options["in_chans"], resolution)
        except Exception as error:
            refusal = error
            continue
        isotropic = grid == resolution // patch
        if grid >= (TOKEN_GRID if isotropic and resolution >= 4 * TOKEN_GRID else wanted):
            changed = "" if patch == usual else f", patches of {patch} pixels (usually {usual})"
            return network, f"input size {resolution}{changed}"
    raise refusal or ValueError("no patch size leaves enough of a grid")


def _with_smaller_strides(network: nn.Module, channels: int, resolution: int) -> str:
    """Lower strides in place, from the input on, until the last maps are large enough."""
    wanted = _least_side(resolution)
    changes: dict[str, str] = {}
    levels = _levels(network, channels)
    first = levels[0][0] if levels else ""
    for level in levels:
        while _last_side(network, channels, resolution) < wanted:
            changed = [_lower_stride(network, name, name == first) for name in level]
            if not any(changed):
                break
            changes |= {name: text for name, text in zip(level, changed, strict=True) if text}
    return ", ".join(f"{name} {text}" for name, text in changes.items())


def _least_side(resolution: int) -> int:
    return CONVOLUTIONAL_GRID if resolution >= 4 * CONVOLUTIONAL_GRID else max(1, resolution // 4)


def _halved(size: int) -> Iterator[int]:
    while size >= 1:
        yield size
        size //= 2


def _side(size: Any) -> int:
    """The side of a square that is given by one number or two."""
    return int(size[0] if isinstance(size, tuple | list) else size)


@torch.no_grad()
def _last_side(network: nn.Module, channels: int, resolution: int) -> int:
    """The side of the last maps, or of the grid of tokens; 0 where the images are too small."""
    model: Any = network
    network.eval()
    try:
        maps = model.forward_features(torch.zeros(1, channels, resolution, resolution))
    except RuntimeError:
        return 0
    if maps.ndim == 3:
        return math.isqrt(maps.shape[1] - getattr(model, "num_prefix_tokens", 0))
    if maps.ndim != 4:
        raise ValueError(f"features of {maps.ndim} dimensions")
    channels_last = getattr(model, "output_fmt", "NCHW") == "NHWC"
    return int(maps.shape[1] if channels_last else maps.shape[-1])


@torch.no_grad()
def _levels(network: nn.Module, channels: int) -> list[list[str]]:
    """Names of the layers with a stride, grouped by the size of their input maps, in order."""
    found: dict[int, list[str]] = {}

    def note(name: str) -> Any:
        def hook(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            names = found.setdefault(inputs[0].shape[-1], [])
            if name not in names:
                names.append(name)

        return hook

    hooks = [
        layer.register_forward_pre_hook(note(name))
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d) and _side(layer.stride) > 1
    ]
    network.eval()
    network(torch.zeros(1, channels, TRACED, TRACED))
    for handle in hooks:
        handle.remove()
    return [found[side] for side in sorted(found, reverse=True)]


def _lower_stride(network: nn.Module, name: str, first: bool) -> str:
    """Halve the stride of one layer and describe the change, or return "" if it is 1 already."""
    layer = network.get_submodule(name)
    stride = _side(getattr(layer, "stride", 1))
    if stride == 1:
        return ""
    lower = stride // 2
    if not isinstance(layer, nn.Conv2d):
        if lower > 1:
            raise ValueError(f"pooling {name} has stride {stride}")
        network.set_submodule(name, nn.Identity())
        return "left out"
    kernel = _side(layer.kernel_size)
    patches = kernel == stride  # cut without overlap, and without padding
    if not (patches or first):
        layer.stride = (lower, lower)
        return f"stride {lower} (usually {stride})"
    smaller = lower if patches and lower > 1 else 3
    fresh = nn.Conv2d(
        layer.in_channels,
        layer.out_channels,
        smaller,
        lower,
        padding=0 if smaller == lower else smaller // 2,
        groups=layer.groups,
        bias=layer.bias is not None,
    )
    network.set_submodule(name, fresh)
    return f"{smaller}x{smaller} stride {lower}"
