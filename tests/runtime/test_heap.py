"""Freed memory stays with the process until it is returned."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ddbench.runtime import heap

BYTES = 64 * 2**20
CODE = f"""
import json, psutil, torch
from ddbench.runtime import heap

def resident():
    return psutil.Process().memory_info().rss

heap.keep_freed_memory()
block = torch.ones({BYTES} // 4)
full = resident()
del block
kept = resident()
heap.give_back_freed_memory()
print(json.dumps([full - kept, kept - resident()]))
"""


@pytest.mark.skipif(heap._glibc() is None, reason="the C library is not glibc")
def test_a_freed_block_stays_until_it_is_given_back() -> None:
    """In a process of its own: once an allocation has failed, glibc maps large blocks."""
    answer = subprocess.run([sys.executable, "-c", CODE], capture_output=True, check=True)
    at_once, when_asked = json.loads(answer.stdout)
    assert at_once < BYTES / 4
    assert when_asked > BYTES * 3 / 4


def test_without_glibc_nothing_happens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heap, "_glibc", lambda: None)
    heap.keep_freed_memory()
    heap.give_back_freed_memory()
