"""The commands of the page on data, on small data in the layouts that it describes."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddbench.cli.main import main
from ddbench.data.named_classes import CLASS_LISTS

PAGE = Path(__file__).resolve().parents[2] / "docs" / "data.md"
COMMANDS = re.findall(r"^ddbench .*$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
DOWNLOADS = {"svhn", "medmnist"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home folder."""
    root = tmp_path_factory.mktemp("home")
    animals = ("n01443537", "n01629819", "n02056570")
    tiny, imagenet = root / "data" / "tiny-imagenet-200", root / "data" / "imagenet"
    for split in ("train", "val"):
        write_noise(root / "flowers" / split / "rose", root / "flowers" / split / "lily")
        write_noise(*(tiny / split / wnid for wnid in animals))
        write_noise(*(imagenet / split / wnid for wnid in CLASS_LISTS["imagewoof"]))
    (tiny / "wnids.txt").write_text("\n".join(animals))
    (root / "animals.txt").write_text("\n".join(animals[:2]))
    return root


def write_noise(*folders):
    draws = np.random.RandomState(0)
    for folder in folders:
        folder.mkdir(parents=True)
        for number in range(3):
            noise = draws.randint(0, 256, (64, 64, 3)).astype(np.uint8)
            Image.fromarray(noise).save(folder / f"val_{number}.JPEG")


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_about_data_runs(command, home, tmp_path, monkeypatch, capsys):
    verb, *words = shlex.split(command)[1:]
    if DOWNLOADS & {*words}:
        pytest.skip("downloads")
    if "imagenet64" in words:
        pytest.skip("needs all 1,000 classes; tests/data/test_imagenet.py makes it of three")
    monkeypatch.chdir(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("DDBENCH_DATA", str(home / "data"))
    monkeypatch.setenv("DDBENCH_RUNS", str(tmp_path))
    if verb == "run":
        words += ["budget=smoke", "protocols=[hard]", "control=null", "model.width=8", "threads=1"]
    assert main([verb, *words]) == 0, capsys.readouterr().err
