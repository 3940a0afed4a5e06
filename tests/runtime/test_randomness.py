"""Random numbers depend on names and indices, and on nothing else."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from ddbench.runtime.randomness import RandomStream, derive_seed


def test_seed_depends_on_base_every_part_order_and_type() -> None:
    paths: list[tuple[int, tuple[str | int, ...]]] = [
        (0, ()),
        (1, ()),
        (0, ("a",)),
        (0, ("a", "b")),
        (0, ("b", "a")),
        (0, ("ab",)),
        (0, (1,)),
        (0, ("1",)),
        (0, (1, 2)),
        (0, (12,)),
        (0, ("a", 0)),
        (0, ("a", -1)),
    ]
    seeds = {derive_seed(base, *path) for base, path in paths}
    assert len(seeds) == len(paths)
    assert all(0 <= seed < 2**63 for seed in seeds)


def test_seeds_are_the_same_in_every_process_and_version() -> None:
    assert derive_seed(0, "teacher", 3) == 2863101564631208243


def test_stream_is_a_place_below_another() -> None:
    stream = RandomStream(4) / "teacher" / 3
    assert stream == RandomStream(4, ("teacher", 3))
    assert stream.seed == derive_seed(4, "teacher", 3)


def test_two_generators_of_a_place_give_the_same_numbers() -> None:
    stream = RandomStream(4, ("use",))
    first, second = (torch.rand(5, generator=stream.generator()) for _ in range(2))
    assert torch.equal(first, second)
    other = torch.rand(5, generator=(stream / 0).generator())
    assert not torch.equal(first, other)


def test_seeding_the_global_generators_fixes_torch_numpy_and_python() -> None:
    draws = []
    for _ in range(2):
        RandomStream(4, ("use",)).seed_global()
        draws.append((torch.rand(1).item(), np.random.rand(), random.random()))
    assert draws[0] == draws[1]


def test_global_generator_is_restored_behind_a_block_and_a_failure() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    with RandomStream(4).as_global():
        inside = torch.rand(3)
    assert torch.equal(torch.get_rng_state(), before)
    expected = torch.rand(3, generator=RandomStream(4).generator())
    assert torch.equal(inside, expected)
    torch.set_rng_state(before)
    with pytest.raises(ValueError, match="trouble"), RandomStream(4).as_global():
        raise ValueError("trouble")
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU")
def test_block_leaves_the_generator_of_an_accelerator_alone() -> None:
    before = torch.cuda.get_rng_state()
    with RandomStream(4).as_global():
        pass
    assert torch.equal(torch.cuda.get_rng_state(), before)
