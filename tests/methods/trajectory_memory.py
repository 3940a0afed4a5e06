"""Measure what the three gradients through a student's steps need, each in a process of its own.

    python tests/methods/trajectory_memory.py [STEPS ...]

A student (ConvNet, width 32) takes STEPS steps on 100 images of 3x32x32 with class ids. Printed are
the peak resident set above what the process held before, and seconds, on one thread; and how far
the gradients are from that of the full unroll. `test_mtt.py` asserts the same without a clock.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import torch.nn.functional as F
from tabulate import tabulate
from torch import Tensor
from torch.func import functional_call

from ddbench.distilling.registry import METHODS
from ddbench.models.spec import ModelSpec
from ddbench.runtime.meters import peak_memory, reset_peak_memory
from ddbench.runtime.randomness import RandomStream

GRADIENTS = {
    "MTT, full unroll": "unrolled_gradient",
    "MTT, recomputed": "recomputed_gradient",
    "TESLA": "detached_gradient",
}
STEPS = (5, 10, 20, 40)
CLASSES, IPC, STEP_SIZE = 10, 10, 0.01


def measure(name: str, steps: int, file: Path) -> None:
    """Find one gradient, keep it in `file` and print its cost as JSON."""
    torch.set_num_threads(1)
    matching = importlib.import_module(f"{METHODS.package}._trajectory_matching")
    spec = ModelSpec("convnet", {"width": 32})
    network, start, target = (
        spec.build(3, 32, CLASSES, RandomStream(index, ("student",))) for index in range(3)
    )
    names = [name for name, _ in network.named_parameters()]
    labels = torch.arange(CLASSES).repeat_interleave(IPC)

    def loss(_: int, parameters: list[Tensor], batch: Tensor) -> Tensor:
        weights = dict(zip(names, parameters, strict=True))
        return F.cross_entropy(functional_call(network, weights, batch), labels)

    student = matching.Student(
        loss,
        torch.randn(len(labels), 3, 32, 32, generator=torch.Generator().manual_seed(0)),
        [torch.arange(len(labels))] * steps,
        *([p.detach() for p in one.parameters()] for one in (start, target)),
        torch.tensor(STEP_SIZE),
    )
    cpu = torch.device("cpu")
    reset_peak_memory(cpu)
    before, begun = peak_memory(cpu)[0], time.monotonic()
    found = getattr(matching, name)(student)
    seconds, peak = time.monotonic() - begun, peak_memory(cpu)[0]
    torch.save(found.images, file)
    print(json.dumps({"bytes": peak - before, "seconds": seconds}))


def main(steps: tuple[int, ...]) -> None:
    """Print the table."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for count in steps:
            row: list[str] = [str(count)]
            exact = torch.empty(0)
            for name in GRADIENTS.values():
                file = Path(folder) / name
                command = [sys.executable, __file__, name, str(count), str(file)]
                answer = subprocess.run(command, check=True, capture_output=True, text=True)
                cost = json.loads(answer.stdout)
                row.append(f"{cost['bytes'] / 1e6:.0f} MB, {cost['seconds']:.1f} s")
                found = torch.load(file, weights_only=True).flatten()
                if not len(exact):
                    exact = found
                    continue
                difference = (found - exact).norm() / exact.norm()
                cosine = torch.cosine_similarity(found, exact, dim=0)
                row.append(f"{difference:.1e}" if name.startswith("re") else f"{cosine:.3f}")
            rows.append(row)
    headers = ["steps", *GRADIENTS]
    headers[3:3] = ["relative difference"]
    print(tabulate(rows, [*headers, "cosine"], disable_numparse=True))


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] in GRADIENTS.values():
        measure(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))
    else:
        main(tuple(map(int, sys.argv[1:])) or STEPS)
