"""Runs some updates of APM at the shape of ImageNet64 and reports their memory (Linux).

usage: python tests/methods/scale.py IPC [float32|half] [UPDATES]

The archive has the size of the official one, 1,281,167 images of 1,000 classes; the initial images
are random pixels, the others are black and take no space on disk. The teacher is untrained and the
student gets few epochs: neither changes the memory held. The mini-batch is the published one of
500. Every peak is that of the whole process since the previous one.
"""

from __future__ import annotations

import json
import runpy
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.models.model import Model
from ddbench.runs.compose import request_of
from ddbench.runs.execute import opened
from ddbench.runtime.checkpoint import Checkpoint
from ddbench.runtime.meters import peak_memory, reset_peak_memory
from ddbench.runtime.randomness import RandomStream
from ddbench.store.store import Store

IMAGES = 1_281_167
CPU = torch.device("cpu")


class Untrained:
    """One teacher that nobody trained."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def __len__(self) -> int:
        return 1

    def __getitem__(self, index: int) -> Model:
        return self.task.new_network("untrained").requires_grad_(False).eval()

    def reference(self, index: int) -> str:
        return "untrained@0"


def paint(parts: Any, positions: torch.Tensor) -> None:
    """Write random pixels over images of the archive."""
    generator = np.random.default_rng(0)
    starts = np.cumsum([0, *(len(part) for part in parts)])
    for number, part in enumerate(parts):
        rows = positions[(positions >= starts[number]) & (positions < starts[number + 1])].numpy()
        with Path(part.filename).open("r+b") as file:
            for row in rows - starts[number]:
                file.seek(part.offset + int(row) * 12_288)
                file.write(generator.integers(0, 256, 12_288, dtype=np.uint8).tobytes())


def main() -> None:
    ipc = int(sys.argv[1])
    held = sys.argv[2] if len(sys.argv) > 2 else "half"
    updates = int(sys.argv[3]) if len(sys.argv) > 3 else 4
    told: dict[str, Any] = {"ipc": ipc, "images": 1000 * ipc, "held": held, "updates": updates}

    def note(what: str) -> None:
        told[f"{what}_peak_gb"] = round(peak_memory(CPU)[0] / 1e9, 3)
        print(f"{what}: {told[f'{what}_peak_gb']} GB", file=sys.stderr)
        reset_peak_memory(CPU)

    note("imported")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make = runpy.run_path(str(Path(__file__).parents[1] / "data" / "scale.py"))["make"]
        make(root, IMAGES)
        settings = {"held": held, "student_epochs": 5, "student_every": 2, "iterations": 2500}
        request = request_of(
            [
                *(f"method.{name}={value}" for name, value in settings.items()),
                *("method=apm", "dataset=imagenet64", f"ipc={ipc}", "model=narrow", "device=cpu"),
                *("threads=1", f"data_root={root}", f"runs_root={root / 'runs'}"),
            ]
        )
        with opened(request, quiet=True) as (lab, _):
            task = Task(request.task, lab)
            task.teachers = lambda recipe, n: Untrained(task)  # type: ignore[method-assign,assignment,return-value]
            paint(lab.dataset.train.images._parts, task.real_subset())  # type: ignore[union-attr]
            _ = lab.real
            note("opened")
            method: Any = METHODS["apm"](task, request.method.settings)
            method.begin()
            note("begun")
            store = method.store
            for tensor in (store.change, store.velocity):
                tensor.fill_(1e-3)  # every page is present, as after each image was visited once
            note("all_visited")
            begun = time.perf_counter()
            for i in range(updates):
                RandomStream(0, ("step", i)).seed_global()
                scalars = method.step(i)
            told["seconds_an_update"] = round((time.perf_counter() - begun) / updates, 2)
            told["loss"] = round(float(scalars["loss"]), 4)
            told["held_gb"] = round(store.held_bytes / 1e9, 3)
            told["held_bytes_an_image"] = store.held_bytes / len(store)
            note("updates")
            path = root / "state.checkpoint"
            Checkpoint(path, 60.0, lab.runtime.execution).save({"method": method.state_dict()})
            told["checkpoint_gb"] = round(path.stat().st_size / 1e9, 3)
            note("checkpoint")
            distilled = method.finish()
            note("finish")
            Store(root / "runs").save("distilled", {}, {}, distilled.to_bytes())
            note("distilled_file")
            told["distilled_gb"] = round(distilled.storage_bytes / 1e9, 3)
    print(json.dumps(told))


if __name__ == "__main__":
    main()
