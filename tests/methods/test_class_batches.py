"""The augmentation of classes: in a batch it equals that of one class at a time."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from closeness import assert_close
from torch import Tensor

from ddbench.data.augmentation.dsa import DSA
from ddbench.models.spec import ModelSpec
from ddbench.runtime.randomness import RandomStream

pytestmark = pytest.mark.numerical
AUGMENTED = 8 * 8 * 3 + 4
"""Terms: contrast takes a mean over an image, rotation weighs four pixels."""


@pytest.fixture(scope="module")
def batches(room: Callable[[str], ModuleType]) -> ModuleType:
    return room("_class_batches")


def test_batched_augmentation_equals_one_siamese_call_a_class(
    batches: ModuleType, small_images: Callable[..., Tensor]
) -> None:
    dsa, classes = DSA(), 40
    draws = [dsa.draw(1, 8, 8, RandomStream(0, (c,)).generator()) for c in range(classes)]
    assert len({draw.operation for draw in draws}) == 6
    given = [small_images(1 + c % 3, seed=c) for c in range(classes)]
    expected = [dsa.apply(batch, draw) for batch, draw in zip(given, draws, strict=True)]
    augmented = batches.augment_alike(dsa, given, draws)
    assert [len(part) for part in augmented] == [len(part) for part in given]
    assert_close(torch.cat(augmented), torch.cat(expected), terms=AUGMENTED)


def test_gradient_passes_through_the_batched_augmentation(
    batches: ModuleType, small_images: Callable[..., Tensor]
) -> None:
    dsa = DSA()
    draws = [dsa.draw(1, 8, 8, RandomStream(1, (c,)).generator()) for c in range(12)]
    weights = small_images(24, seed=5)
    leaf = small_images(24).requires_grad_()
    augmented = torch.cat(batches.augment_alike(dsa, leaf.split(2), draws))
    (gradient,) = torch.autograd.grad((augmented * weights).sum(), leaf)
    naive = small_images(24).requires_grad_()
    for c, draw in enumerate(draws):
        part = slice(2 * c, 2 * c + 2)
        (dsa.apply(naive[part], draw) * weights[part]).sum().backward()
    assert_close(gradient, naive.grad, terms=AUGMENTED)


@pytest.mark.parametrize(("norm", "mixes"), [("instance", False), ("batch", True)])
def test_only_batch_norm_mixes_images(batches: ModuleType, norm: str, mixes: bool) -> None:
    network = ModelSpec("convnet", {"width": 4, "norm": norm}).build(3, 8, 3, RandomStream(0))
    assert batches.mixes_images(network) is mixes
