"""What the harness promises of every architecture."""

from __future__ import annotations

import pickle

import pytest
import torch
from closeness import assert_close

from ddbench.errors import UserError
from ddbench.models.model import Model
from ddbench.models.registry import MODELS
from ddbench.models.spec import ModelSpec
from ddbench.runtime.randomness import RandomStream

every_model = pytest.mark.parametrize("name", MODELS.names())
STREAM = RandomStream(3, ("network",))


def built(name: str, channels: int = 3, resolution: int = 32, classes: int = 7) -> Model:
    small = {"width": 8} if "width" in ModelSpec(name).typed_settings.plain() else {}
    try:
        return ModelSpec(name, small).build(channels, resolution, classes, STREAM)
    except UserError as refusal:
        pytest.skip(str(refusal))


@every_model
@pytest.mark.parametrize(("channels", "resolution"), [(1, 8), (1, 28), (3, 32)])
def test_small_batch_goes_forward_and_backward(name: str, channels: int, resolution: int) -> None:
    network = built(name, channels, resolution)
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(3, channels, resolution, resolution, generator=generator)
    images.requires_grad_()
    logits = network(images)
    assert logits.shape == (3, 7)
    logits.square().sum().backward()
    assert images.grad is not None
    assert bool(torch.isfinite(images.grad).all())
    for parameter in network.parameters():
        assert parameter.grad is not None


@every_model
@pytest.mark.parametrize(("channels", "resolution"), [(1, 8), (1, 28), (3, 32), (3, 64)])
def test_logits_depend_on_the_images(name: str, channels: int, resolution: int) -> None:
    """An instance norm of maps of one pixel would make them all the same."""
    network = built(name, channels, resolution).eval()
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        logits = network(torch.randn(3, channels, resolution, resolution, generator=generator))
    assert float(logits.std(0).min()) > 1e-4


@pytest.mark.numerical
@every_model
def test_logits_are_a_linear_function_of_flat_features(name: str) -> None:
    network = built(name).double().eval()
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(12, 3, 32, 32, generator=generator).double()
    with torch.no_grad():
        features, logits = network.features(images), network(images)
    assert features.ndim == 2
    assert len(features) == 12
    linear = [one for one in network.modules() if isinstance(one, torch.nn.Linear)][-1]
    sizes = features.abs() @ linear.weight.detach().abs().T
    condition = float(sizes.max() / logits.abs().max())
    assert_close(linear(features), logits, terms=features.shape[1] + 1, condition=condition)


@every_model
def test_same_stream_gives_the_same_weights_and_leaves_the_global_generator(name: str) -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = built(name).state_dict()
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    second = built(name).state_dict()
    assert all(torch.equal(value, second[key]) for key, value in first.items())
    spec = ModelSpec(
        name, {"width": 8} if "width" in ModelSpec(name).typed_settings.plain() else {}
    )
    other = spec.build(3, 32, 7, RandomStream(3, ("other",))).state_dict()
    assert any(not torch.equal(value, other[key]) for key, value in first.items())


@every_model
def test_specification_survives_pickling_after_use(name: str) -> None:
    spec = ModelSpec(name)
    assert spec.typed_settings
    again = pickle.loads(pickle.dumps(spec))
    assert again == spec
    assert again.identity == spec.identity


def test_unknown_setting_is_refused_in_one_line() -> None:
    with pytest.raises(UserError, match="width"):
        ModelSpec("convnet", {"widht": 8}).build(1, 8, 2, STREAM)
