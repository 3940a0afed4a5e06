"""The examples of the documents run, and their commands are read."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ddbench.cli.main import VERBS, main, verb_parser
from ddbench.data.named_classes import CLASS_LISTS

DOCS = sorted((Path(__file__).resolve().parents[1] / "docs").glob("*.md"))
PYTHON = [
    pytest.param(block, id=f"{file.stem}-{number}")
    for file in DOCS
    for number, block in enumerate(
        re.findall(r"```python\n(.*?)```", file.read_text(encoding="utf-8"), re.DOTALL)
    )
]
COMMANDS = [
    line
    for file in DOCS
    for language, block in re.findall(
        r"^```(\w*)\n(.*?)^```", file.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    for line in block.splitlines()
    if language in ("", "sh") and line.startswith("ddbench ")
]


ABOUT_DATA = [
    command
    for command in COMMANDS
    if command in (DOCS[0].parent / "data.md").read_text(encoding="utf-8").splitlines()
]
DOWNLOADS = {"svhn", "medmnist"}


@pytest.mark.parametrize("block", PYTHON)
def test_an_example_runs_from_an_empty_folder(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DDBENCH_RUNS", str(tmp_path / "runs"))
    exec(compile(block, "example", "exec"), {})


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_is_one_that_its_verb_reads(command):
    _, verb, *words = shlex.split(command)
    assert verb in VERBS
    assert verb_parser(verb).read(words)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home folder with small data in the layouts that the documents speak of."""
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


@pytest.mark.parametrize("command", ABOUT_DATA)
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
