"""Gradient matching against a naive calculation, and the loops of DC and DSA."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from closeness import assert_agrees, assert_close, summed_terms
from naive import with_gradient
from torch import Tensor

from ddbench.data.augmentation.dsa import DSA
from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.models.model import Model
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest

pytestmark = pytest.mark.numerical


@pytest.fixture(scope="module")
def matching(room: Callable[[str], ModuleType]) -> ModuleType:
    return room("_gradient_matching")


def naive_loss(network: Model, real: Tensor, images: Tensor, class_id: int) -> Tensor:
    """Filter by filter, with the cross-entropy written out."""

    def gradients(batch: Tensor) -> list[Tensor]:
        loss = sum(
            torch.log(sum(torch.exp(value) for value in logits)) - logits[class_id]
            for logits in (network(image[None])[0] for image in batch)
        ) / len(batch)
        return list(torch.autograd.grad(loss, list(network.parameters()), create_graph=True))

    total = torch.zeros((), dtype=torch.float64)
    for a, b in zip(gradients(real), gradients(images), strict=True):
        if a.ndim == 1:
            continue
        for row in range(a.shape[0]):
            x, y = a[row].reshape(-1).detach(), b[row].reshape(-1)
            lengths = torch.sqrt((x * x).sum()) * torch.sqrt((y * y).sum())
            total = total + 1 - (x * y).sum() / (lengths + 0.000001)
    return total


@pytest.mark.parametrize(("class_id", "ipc"), [(0, 1), (2, 3)])
def test_loss_and_image_gradient_equal_the_naive_float64_calculation(
    matching: ModuleType,
    small_network: Callable[..., Model],
    small_images: Callable[..., Tensor],
    class_id: int,
    ipc: int,
) -> None:
    network, real = small_network(), small_images(4, seed=1)
    images = small_images(ipc)
    assert_agrees(
        with_gradient(lambda leaf: matching.matching_loss(network, real, leaf, class_id), images),
        lambda: with_gradient(lambda leaf: naive_loss(network, real, leaf, class_id), images),
        [images, real, *network.parameters()],
        # Forward, backward and twice backward again, two more sums per norm; then over filters.
        terms=6 * summed_terms(network, images) + 4 + 36 + 11,
    )


def test_equal_gradients_are_almost_no_distance_apart_and_vectors_count_nothing(
    matching: ModuleType,
) -> None:
    generator = torch.Generator().manual_seed(0)
    layers = [torch.randn(4, 3, 3, 3, generator=generator), torch.randn(4, generator=generator)]
    # The sum is over ones and cosines of 27 terms, in four rows; the 1e-6 in the denominator is
    # below rounding beside squared lengths of about 27.
    assert_close(4 - matching.gradient_distance(layers, layers), 4.0, terms=27 + 4)
    opposite = [-layers[0], -layers[1]]
    assert_close(matching.gradient_distance(layers, opposite), 8.0, terms=27 + 4)
    other_bias = [layers[0], layers[1] + 1]
    assert torch.equal(
        matching.gradient_distance(layers, other_bias), matching.gradient_distance(layers, layers)
    )


@pytest.fixture
def method(tiny: Callable[..., RunRequest], tmp_path: Path) -> Any:
    """A DSA or DC at its beginning."""
    opening = []

    def make(name: str, *overrides: str, **settings: Any) -> Any:
        request = tiny(tmp_path, f"method={name}", "model.width=8", "ipc=2", *overrides)
        lab, _ = (manager := opened(request, quiet=True)).__enter__()
        opening.append(manager)
        made = METHODS[name](Task(request.task, lab), METHODS[name].Settings(**settings))
        made.begin()
        return made

    yield make
    for manager in opening:
        manager.__exit__(None, None, None)


def test_a_network_serves_the_outer_loop_and_is_trained_in_between(method: Any) -> None:
    dsa = method("dsa", iterations=2, outer_loop=3, inner_epochs=2, real_batch=4)
    assert dsa.total_steps == 6
    kept = []
    for i in range(4):
        dsa.step(i)
        kept.append(dsa.network and {k: v.clone() for k, v in dsa.network.state_dict().items()})
    fresh = dsa.task.new_network("network", 0).state_dict()
    assert kept[2] is None
    for earlier, later in ((fresh, kept[0]), (kept[0], kept[1]), (kept[1], kept[3])):
        assert not torch.equal(earlier["classifier.weight"], later["classifier.weight"])


def test_dc_starts_from_noise_and_dsa_from_the_images_of_random(method: Any) -> None:
    dc, dsa = method("dc"), method("dsa")
    assert torch.equal(dsa.images, dsa.task.real.images(dsa.task.real_subset()))
    assert dc.images.std().item() == pytest.approx(1, abs=0.1)
    assert not dc.settings.augment
    assert dsa.settings.augment


def test_batch_norm_keeps_the_statistics_of_real_images_while_matching(method: Any) -> None:
    dsa = method("dsa", "model.norm=batch", outer_loop=2, real_batch=4)
    network = dsa.task.new_network("network", 0)
    dsa._settle_statistics(network, 0)
    before = {name: value.clone() for name, value in network.named_buffers()}
    dsa._gradient(network, 0)
    assert all(torch.equal(before[name], value) for name, value in network.named_buffers())
    assert before["blocks.1.running_mean"].abs().sum() > 0


@pytest.mark.parametrize("name", ["dm", "dsa", "mtt"])
def test_operations_are_drawn_from_those_of_the_settings(
    name: str, tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    request = tiny(tmp_path, f"method={name}", "model.width=8", "method.operations=[crop]")
    seen = set()
    with opened(request, quiet=True) as (lab, _):
        method: Any = METHODS[name](Task(request.task, lab), request.method.settings)
        method.begin()
        draw = DSA.draw

        def noted(self: DSA, *arguments: Any) -> Any:
            found = draw(self, *arguments)
            seen.add(found.operation)
            return found

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(DSA, "draw", noted)
            method.step(0)
    assert seen == {"crop"}
    assert method.evaluation().operations == ("crop",)
