"""What every architecture promises."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from ..errors import UserError
from ..models.model import Model
from ..models.registry import MODELS
from ..models.spec import ModelSpec
from ..runtime.randomness import RandomStream
from .common import common_checks
from .promise import Check, NotApplicable, require

STREAM = RandomStream(3, ("network",))
CLASSES = 7
TRAINED_SHAPES = ((1, 8), (1, 28), (3, 32))
SHAPES = (*TRAINED_SHAPES, (3, 64))
"""Channels and resolution of images."""
SMALLEST_SPREAD = 1e-4


def _small(name: str) -> ModelSpec:
    """The architecture, narrow where it has a width."""
    return ModelSpec(
        name, {"width": 8} if "width" in ModelSpec(name).typed_settings.plain() else {}
    )


def _built(name: str, channels: int = 3, resolution: int = 32) -> Model:
    try:
        return _small(name).build(channels, resolution, CLASSES, STREAM)
    except UserError as refusal:
        raise NotApplicable(str(refusal)) from refusal


def _each(name: str, shapes: Sequence[tuple[int, int]]) -> Iterator[tuple[Model, tuple[int, ...]]]:
    """A network and its image shape, for each shape that the architecture does not refuse."""
    refusals = []
    for channels, resolution in shapes:
        try:
            yield _built(name, channels, resolution), (channels, resolution, resolution)
        except NotApplicable as refusal:
            refusals.append(refusal)
    if len(refusals) == len(shapes):
        raise refusals[0]


def _images(count: int, shape: tuple[int, ...]) -> Tensor:
    return torch.randn(count, *shape, generator=torch.Generator().manual_seed(0))


def batch_goes_forward_and_backward(name: str, folder: Path) -> None:
    """Logits have the right shape, and gradients reach the images and every parameter."""
    for network, shape in _each(name, TRAINED_SHAPES):
        images = _images(3, shape).requires_grad_()
        logits = network(images)
        require(
            logits.shape == (3, CLASSES),
            f"logits of 3 images {shape} are {tuple(logits.shape)}, not (3, {CLASSES})",
        )
        logits.square().sum().backward()
        require(images.grad is not None, f"no gradient reaches images {shape}")
        assert images.grad is not None
        require(torch.isfinite(images.grad).all(), f"the gradient of images {shape} is not finite")
        for parameter_name, parameter in network.named_parameters():
            require(parameter.grad is not None, f"no gradient reaches {parameter_name}")


def logits_depend_on_the_images(name: str, folder: Path) -> None:
    """Different images give different logits; an instance norm of one pixel makes them equal."""
    for network, shape in _each(name, SHAPES):
        with torch.no_grad():
            logits = network.eval()(_images(3, shape))
        require(
            float(logits.std(0).min()) > SMALLEST_SPREAD,
            f"different images {shape} give the same logits",
        )


def logits_are_linear_in_flat_features(name: str, folder: Path) -> None:
    """`features` are what the last linear layer reads."""
    network = _built(name).double().eval()
    images = _images(12, (3, 32, 32)).double()
    with torch.no_grad():
        features, logits = network.features(images), network(images)
    shape = tuple(features.shape)
    require(features.ndim == 2 and len(features) == 12, f"features are {shape}, not (12, F)")
    layers = [one for one in network.modules() if isinstance(one, nn.Linear)]
    require(layers, "it has no linear layer")
    linear = layers[-1]
    require(
        linear.in_features == shape[1],
        f"features are {shape}, and its last linear layer reads {linear.in_features} numbers",
    )
    with torch.no_grad():
        again = linear(features)
        sizes = features.abs() @ linear.weight.abs().T
    # The error of a sum of products grows with their number and their sizes.
    rounding = 8 * (shape[1] + 1) * torch.finfo(features.dtype).eps * float(sizes.max())
    require(
        again.shape == logits.shape and float((again - logits).abs().max()) <= rounding,
        "its last linear layer does not make its logits of its features",
    )


def weights_follow_their_stream(name: str, folder: Path) -> None:
    """Weights depend on the given stream alone; the global generator is left as it is."""
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = _built(name).state_dict()
    require(torch.equal(torch.get_rng_state(), before), "it draws from the global generator")
    torch.manual_seed(2)
    second = _built(name).state_dict()
    require(
        all(torch.equal(value, second[key]) for key, value in first.items()),
        "the same random stream gives other weights",
    )
    other = _small(name).build(3, 32, CLASSES, RandomStream(3, ("other",))).state_dict()
    require(
        any(not torch.equal(value, other[key]) for key, value in first.items()),
        "another random stream gives the same weights",
    )


def specification_survives_pickling(name: str, folder: Path) -> None:
    """Its name and settings survive pickling, as on the way to another process."""
    spec = ModelSpec(name)
    require(spec.typed_settings, "its settings are empty")
    again = pickle.loads(pickle.dumps(spec))
    require(again == spec and again.identity == spec.identity, "its specification changes")


CHECKS = (
    *common_checks(MODELS),
    Check("takes a batch forward and backward", batch_goes_forward_and_backward, essential=True),
    Check("gives logits that depend on the images", logits_depend_on_the_images),
    Check("gives the flat features that its last layer reads", logits_are_linear_in_flat_features),
    Check("takes its weights from its random stream alone", weights_follow_their_stream),
    Check("can be sent to another process", specification_survives_pickling),
)
