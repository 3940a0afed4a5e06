"""Every record that a run writes is one that ddbench reads."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddbench.records.record import Record
from ddbench.runs.execute import execute
from ddbench.runs.request import RunRequest

SMALL = {
    "digits": [],
    "random_pixels": ["dataset.resolution=8", "dataset.classes=2", "dataset.images=20"],
    "image_folder": ["dataset.resolution=8"],
    "tinyimagenet": [],
}
IDS = ("n01443537", "n01629819")


def write_noise(folder: Path, count: int) -> None:
    folder.mkdir(parents=True)
    for number in range(count):
        noise = np.random.RandomState(number).randint(0, 256, (64, 64, 3))
        Image.fromarray(noise.astype(np.uint8)).save(folder / f"val_{number}.JPEG")


@pytest.fixture
def data_root(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    for name in IDS:
        write_noise(root / "tiny-imagenet-200/train" / name, 10)
        write_noise(root / "tiny-imagenet-200/val" / name, 3)
    (root / "tiny-imagenet-200/wnids.txt").write_text("\n".join(IDS))
    return root


@pytest.mark.parametrize("validation", ["0", "0.2"])
@pytest.mark.parametrize("dataset", SMALL)
def test_record_is_read_back_by_its_own_checker(
    dataset: str,
    validation: str,
    data_root: Path,
    tmp_path: Path,
    tiny: Callable[..., RunRequest],
) -> None:
    words = [f"dataset={dataset}", f"validation={validation}", f"data_root={data_root}"]
    words += ["method=random", "protocols=[hard]", "model.width=4", *SMALL[dataset]]
    if dataset == "image_folder":
        words.append(f"dataset.path={data_root / 'tiny-imagenet-200'}")
    outcome = execute(tiny(tmp_path / "runs", *words), quiet=True)
    assert Record.load(outcome.folder / "record.json") == outcome.record
