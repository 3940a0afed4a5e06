"""Small float64 networks and batches, for comparing formulas with naive calculations."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from torch import Tensor

from ddbench.models.model import Model, ModelSpec
from ddbench.plugins import METHODS
from ddbench.randomness import RandomStream


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
