"""Opens ImageNet64 in a process of its own, samples it, and reports the cost (Linux).

usage: python tests/data/scale.py DATA_ROOT [IMAGES]

With IMAGES, an archive of so many black images is made first, in the official layout; its pixels
take no room on the disk: `python tests/data/scale.py /tmp/full 1281167`.
"""

from __future__ import annotations

import json
import runpy
import sys
import time
from pathlib import Path


def make(root: Path, images: int) -> None:
    write = runpy.run_path(str(Path(__file__).with_name("conftest.py")))["write_sparse_batch"]
    folder = root / "imagenet64"
    folder.mkdir(parents=True, exist_ok=True)
    labels = [1 + position % 1000 for position in range(images)]
    share = -(-images // 10)
    for number in range(10):
        write(folder / f"train_data_batch_{number + 1}", labels[number * share :][:share])
    write(folder / "val_data", labels[:50_000])


def resident_peak_bytes() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


def main() -> None:
    root = Path(sys.argv[1])
    if len(sys.argv) > 2:
        make(root, int(sys.argv[2]))

    import torch

    from ddbench.data.dataset import Dataset
    from ddbench.data.fit_input_space import fit_input_space
    from ddbench.data.real_images import RealImages

    told: dict[str, float] = {"imported_peak_bytes": resident_peak_bytes()}
    begun = last = time.perf_counter()

    def done(what: str) -> None:
        nonlocal last
        now = time.perf_counter()
        told[f"{what}_seconds"] = round(now - last, 2)
        last = now

    dataset = Dataset.open("imagenet64", {}, root, validation=0.1)
    done("open")
    dataset.identity()
    done("identity")
    source = dataset.source
    space = fit_input_space("normalised", dataset.train.images, source.mean, source.std)
    done("input_space")
    real = RealImages(dataset.train, space, torch.device("cpu"))
    for class_id in range(dataset.classes):
        assert real.images(real.class_indices(class_id)[:10]).shape[1:] == (3, 64, 64)
    done("sample_10_a_class")
    for batch in torch.randperm(len(real)).split(256)[:200]:
        real.batch(batch)
    done("200_random_batches_of_256")
    told["images"] = len(dataset.train) + len(dataset.validation or ())
    told["total_seconds"] = round(time.perf_counter() - begun, 2)
    told["resident_peak_bytes"] = resident_peak_bytes()
    print(json.dumps(told))


if __name__ == "__main__":
    main()
