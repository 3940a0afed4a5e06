"""Small float64 networks and batches, for comparing formulas with naive calculations."""

from __future__ import annotations

import importlib
import weakref
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from agreements import Given
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from ddbench.distilling.registry import METHODS
from ddbench.models.model import Model
from ddbench.models.spec import ModelSpec
from ddbench.runs.request import RunRequest
from ddbench.runtime.randomness import RandomStream


@pytest.fixture(scope="session")
def room() -> Callable[[str], ModuleType]:
    """A module of the room of methods by its name, the same object that the harness loads."""
    return lambda name: importlib.import_module(f"{METHODS.package}.{name}")


@pytest.fixture(scope="session")
def small_network() -> Callable[..., Model]:
    """A float64 network for 3x8x8 images of three classes."""

    def make(seed: int = 0, classes: int = 3) -> Model:
        spec = ModelSpec("convnet", {"width": 4, "depth": 2})
        return spec.build(3, 8, classes, RandomStream(seed, ("net",))).double()

    return make


@pytest.fixture(scope="session")
def small_images() -> Callable[..., Tensor]:
    """Float64 images (n, 3, 8, 8)."""

    def make(n: int, seed: int = 0) -> Tensor:
        generator = torch.Generator().manual_seed(seed)
        return torch.randn(n, 3, 8, 8, generator=generator, dtype=torch.float64)

    return make


class LiveBytes(TorchDispatchMode):
    """Follows every storage that an operation creates until it is freed, independent of timing.

    Attributes:
        peak: the most bytes that were alive at once, without what existed before and what an
            operation allocates and frees within itself.
    """

    def __init__(self) -> None:
        super().__init__()
        self.alive = self.peak = 0
        self._seen: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        given = {id(value.untyped_storage()) for value in _tensors((args, kwargs))}
        result = func(*args, **(kwargs or {}))
        for value in _tensors(result):
            storage = value.untyped_storage()
            if storage not in self._seen and id(storage) not in given:
                self._seen.add(storage)
                self._count(storage.nbytes())
                weakref.finalize(storage, self._count, -storage.nbytes())
        return result

    def _count(self, size: int) -> None:
        self.alive += size
        self.peak = max(self.peak, self.alive)


def _tensors(tree: Any) -> list[Tensor]:
    return [value for value in tree_leaves(tree) if isinstance(value, Tensor)]


@pytest.fixture(scope="session")
def peak_live_bytes() -> Callable[[Callable[[], Any]], int]:
    """The most bytes held at once by tensors that were created during some work."""

    def measure(work: Callable[[], Any]) -> int:
        with LiveBytes() as live:
            work()
        return live.peak

    return measure


@pytest.fixture
def given(
    room: Callable[[str], ModuleType],
    small_network: Callable[..., Model],
    small_images: Callable[..., Tensor],
    tiny: Callable[..., RunRequest],
    tmp_path: Path,
) -> Given:
    """The inputs on which the agreements in `agreements` are checked."""
    return Given(room, small_network, small_images, partial(tiny, tmp_path))
