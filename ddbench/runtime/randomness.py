"""Every random number comes from a generator named by (base seed, name of the use, indices).

So evaluation network 3 starts from the same weights for every method, and a new use of random
numbers affects no other. Numbers are drawn on the CPU, so they are the same on every device.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch


def derive_seed(base: int, *path: str | int) -> int:
    """A 63-bit seed that depends on the base seed and all parts of the path, in order."""
    text = "\x1f".join([str(base), *(f"{type(part).__name__}:{part}" for part in path)])
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big") >> 1


@dataclass(frozen=True)
class RandomStream:
    """A named node in a tree of random streams; `stream / "order" / 3` is a node below it."""

    base: int
    path: tuple[str | int, ...] = ()

    def __truediv__(self, part: str | int) -> RandomStream:
        return RandomStream(self.base, (*self.path, part))

    @property
    def seed(self) -> int:
        """The 63-bit seed of this stream."""
        return derive_seed(self.base, *self.path)

    def generator(self) -> torch.Generator:
        """A new CPU generator for this stream; every call gives the same numbers."""
        return torch.Generator().manual_seed(self.seed)

    def seed_torch(self, device: torch.device) -> None:
        """Seed torch's global generators of the CPU and of a device.

        `torch.manual_seed` seeds those of all devices, which takes ten times as long.
        """
        seed = self.seed
        torch.default_generator.manual_seed(seed)
        if device.type != "cpu":
            torch.get_device_module(device).manual_seed(seed)

    def seed_global(self) -> None:
        """Seed torch, numpy and Python, for code that draws from their global generators."""
        seed = self.seed
        torch.manual_seed(seed)
        np.random.seed(seed % 2**32)
        random.seed(seed)

    @contextmanager
    def as_global(self) -> Iterator[None]:
        """Seed torch's global CPU generator for a block and restore its state afterwards."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(self.seed)  # `torch.manual_seed` seeds CUDA, too
            yield
