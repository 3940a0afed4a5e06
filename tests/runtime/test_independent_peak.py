"""The reported peaks against independent readings of the same work."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys

import pytest
import torch

from ddbench.runtime.meters import CostMeter

TOLERANCE = 0.05
RUNS = (1, 3)
"""Processes of each kind: more where the first ones differ."""
MEASURED = """
import torch
from ddbench.runtime.meters import CostMeter
with CostMeter(torch.device("cpu")).measure() as cost:
    work()
print(cost.resident_peak_bytes)
"""
# The same work without a meter, which would reset what the kernel keeps of the maximum.
UNMETERED = """
import resource, sys
import torch
import ddbench.runtime.meters
work()
unit = 1 if sys.platform == "darwin" else 1024
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
"""
WORK = {
    "tensors": """
def work():
    import torch
    blocks = [torch.ones(40_000_000) for _ in range(3)]
    del blocks[:2]
    torch.ones(10_000_000)
""",
    "training": """
def work():
    import torch
    torch.manual_seed(0)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 64, 3, padding=1), torch.nn.ReLU(), torch.nn.Conv2d(64, 64, 3)
    )
    for _ in range(2):
        network(torch.randn(64, 3, 32, 32)).square().mean().backward()
""",
}


def said(program: str) -> int:
    """What a program prints in a process with a small parent.

    The kernel counts the size that a process had before it executed another program; a shell in
    between makes that the size of a shell and not of this test.
    """
    answer = subprocess.run(
        ["/bin/sh", "-c", '"$0" -c "$1"; exit $?', sys.executable, program],
        capture_output=True,
        text=True,
        check=True,
        # With several threads the number of simultaneous buffers depends on the scheduler.
        env={**os.environ, "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "1"},
    )
    return int(json.loads(answer.stdout))


@pytest.mark.skipif(sys.platform == "win32", reason="there is no maximum resident set to read")
@pytest.mark.parametrize("name", WORK)
def test_resident_peak_is_the_maximum_of_a_process_that_does_the_same(
    name: str, record_property: pytest.RecordProperty
) -> None:
    # One process differs from the next by a buffer or by pages of a library; the medians do not.
    for runs in RUNS:
        metered, maximum = (
            statistics.median(said(WORK[name] + reading) for _ in range(runs))
            for reading in (MEASURED, UNMETERED)
        )
        told = f"{name}: CostMeter {metered:,} bytes, ru_maxrss {maximum:,}"
        record_property("peaks", f"{told}, {metered / maximum:.4f}")
        print(told)
        if metered == pytest.approx(maximum, rel=TOLERANCE):
            return
    pytest.fail(told)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_allocated_peak_is_that_of_torchs_statistics() -> None:
    device = torch.device("cuda")
    with CostMeter(device).measure() as cost:
        block = torch.ones(50_000_000, device=device)
        del block
        small = torch.ones(1_000, device=device)
        statistics = torch.cuda.memory_stats(device)
        assert len(small)
    allocated, reserved = cost.allocated_peak_bytes, cost.reserved_peak_bytes
    print(f"CostMeter {allocated:,} and {reserved:,} bytes")
    assert allocated == pytest.approx(statistics["allocated_bytes.all.peak"], rel=TOLERANCE)
    assert reserved == pytest.approx(statistics["reserved_bytes.all.peak"], rel=TOLERANCE)
    assert allocated >= 4 * 50_000_000
