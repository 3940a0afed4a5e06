"""What is freed stays with the process until it is given back."""

from __future__ import annotations

import psutil
import pytest
import torch

from ddbench.runtime import heap

NUMBERS = 16 * 2**20  # 64 MiB of float32

pytestmark = pytest.mark.skipif(heap._glibc() is None, reason="the C library is not glibc")


def resident() -> int:
    return int(psutil.Process().memory_info().rss)


def test_a_freed_block_stays_until_it_is_given_back() -> None:
    heap.keep_freed_memory()
    heap.give_back_freed_memory()
    block = torch.ones(NUMBERS)
    full = resident()
    del block
    kept = resident()
    heap.give_back_freed_memory()
    assert full - kept < NUMBERS  # a quarter of the block's bytes
    assert kept - resident() > 3 * NUMBERS


def test_without_glibc_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "_glibc", lambda: None)
    heap.keep_freed_memory()
    heap.give_back_freed_memory()
