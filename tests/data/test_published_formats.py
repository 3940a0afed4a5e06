"""Small files in the formats in which SVHN, STL-10 and MedMNIST are published."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.io
import torchvision

from ddbench.cli.main import main
from ddbench.data.dataset import Dataset
from ddbench.errors import UserError

DRAWS = np.random.RandomState(0)
COUNTS = {"train": 20, "test": 10}


def md5(file: Path) -> str:
    return hashlib.md5(file.read_bytes(), usedforsecurity=False).hexdigest()


def images(split: str, channels: int, size: int) -> np.ndarray:
    shape = (COUNTS[split], channels, size, size)
    return DRAWS.randint(0, 256, shape).astype(np.uint8)


def write_svhn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    folder.mkdir()
    made, listed = {}, {}
    for split, count in COUNTS.items():
        made[split] = images(split, 3, 32)
        digits = np.arange(count) % 10
        file = folder / f"{split}_32x32.mat"
        content = {
            "X": made[split].transpose(2, 3, 1, 0),
            "y": np.where(digits, digits, 10)[:, None],
        }
        scipy.io.savemat(file, content)
        listed[split] = [f"http://example.org/{file.name}", file.name, md5(file)]
    monkeypatch.setattr(torchvision.datasets.SVHN, "split_list", listed)
    return made


def write_stl10(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    folder.mkdir()
    made = {}
    for split, count in COUNTS.items():
        made[split] = images(split, 3, 96)
        made[split].transpose(0, 1, 3, 2).tofile(folder / f"{split}_X.bin")
        (np.arange(count) % 10 + 1).astype(np.uint8).tofile(folder / f"{split}_y.bin")
        listed = [[file.name, md5(file)] for file in sorted(folder.glob(f"{split}_*"))]
        unlabelled = [["unlabeled_X.bin", "0"]] if split == "train" else []
        monkeypatch.setattr(torchvision.datasets.STL10, f"{split}_list", [*listed, *unlabelled])
    return made


WRITERS = {"svhn": ("svhn", write_svhn), "stl10": ("stl10_binary", write_stl10)}


@pytest.mark.parametrize("name", WRITERS)
def test_published_files_are_read(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, write = WRITERS[name]
    made = write(tmp_path / folder, monkeypatch)
    dataset = Dataset.open(name, {}, tmp_path)
    assert np.array_equal(dataset.train.images, made["train"])
    assert dataset.train.labels.tolist() == [*range(10), *range(10)]
    with dataset.scoring():
        assert np.array_equal(dataset.test.images, made["test"])
    assert main(["prepare", name, f"data_root={tmp_path}"]) == 0
    assert f"is complete in {tmp_path / folder}" in capsys.readouterr().out
    file = next(iter((tmp_path / folder).iterdir()))
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UserError, match=f"{file.name} is damaged"):
        Dataset.open(name, {}, tmp_path)


@pytest.mark.parametrize("name", WRITERS)
def test_prepare_fetches_what_is_missing(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, write = WRITERS[name]
    write(tmp_path / "elsewhere", monkeypatch)
    fetched = []

    def download(url: str, root: str, *_: object, **__: object) -> None:
        fetched.append(url)
        (tmp_path / folder).mkdir(exist_ok=True)
        for file in (tmp_path / "elsewhere").iterdir():
            (tmp_path / folder / file.name).write_bytes(file.read_bytes())

    for function in ("download_url", "download_and_extract_archive"):
        monkeypatch.setattr(torchvision.datasets.utils, function, download)
    assert main(["prepare", name, f"data_root={tmp_path}"]) == 0
    assert fetched


INFO: dict[str, dict[str, Any]] = {
    "pathmnist": {"task": "multi-class", "n_channels": 3, "label": {"0": "a", "1": "b"}},
    "bloodmnist": {"task": "ordinal-regression", "n_channels": 1, "label": {"0": "a", "1": "b"}},
    "chestmnist": {"task": "multi-label, binary-class", "n_channels": 1, "label": {"0": "a"}},
    "organmnist3d": {"task": "multi-class", "n_channels": 1, "label": {"0": "a", "1": "b"}},
}
Write = Callable[[str, int], Path]


@pytest.fixture
def write_medmnist(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Stands in for the package and writes the file of a set."""
    known = {name: {**info, "n_samples": {**COUNTS, "val": 1}} for name, info in INFO.items()}
    monkeypatch.setitem(sys.modules, "medmnist", SimpleNamespace(INFO=known))  # type: ignore[arg-type]

    def write(name: str, size: int) -> Path:
        suffix = "" if size == 28 else f"_{size}"
        file = tmp_path / "medmnist" / f"{name}{suffix}.npz"
        file.parent.mkdir(exist_ok=True)
        arrays = {}
        for split, count in COUNTS.items():
            pixels = images(split, known[name]["n_channels"], size).transpose(0, 2, 3, 1)
            arrays[f"{split}_images"] = pixels if pixels.shape[3] == 3 else pixels[..., 0]
            arrays[f"{split}_labels"] = (np.arange(count) % 2).astype(np.uint8)[:, None]
        np.savez_compressed(file, **arrays)
        known[name] |= {f"MD5{suffix}": md5(file), f"url{suffix}": f"http://example.org/{name}"}
        return file

    return write


@pytest.mark.parametrize(("name", "size"), [("pathmnist", 28), ("bloodmnist", 64)])
def test_a_set_of_medmnist_is_read(
    name: str, size: int, write_medmnist: Write, tmp_path: Path
) -> None:
    file = write_medmnist(name, size)
    words = [f"dataset.which={name}", f"dataset.size={size}"]
    assert main(["prepare", "medmnist", *words, f"data_root={tmp_path}"]) == 0
    dataset = Dataset.open("medmnist", {"which": name, "size": size}, tmp_path)
    with np.load(file) as arrays:
        expected = arrays["train_images"]
    made = dataset.train.images.permute(0, 2, 3, 1).numpy()  # type: ignore[union-attr]
    assert np.array_equal(made if name == "pathmnist" else made[..., 0], expected)
    assert dataset.class_names == ("a", "b")
    assert (dataset.channels, dataset.resolution) == (INFO[name]["n_channels"], size)
    with dataset.scoring():
        assert len(dataset.test) == COUNTS["test"]


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"which": "chestmnist"}, "unknown set of MedMNIST 'chestmnist'"),
        ({"which": "organmnist3d"}, "unknown set of MedMNIST 'organmnist3d'"),
        ({"which": "../x"}, "unknown set of MedMNIST '../x'"),
        ({"size": 32}, "size=32: expected one of 28, 64, 128, 224"),
        ({"size": 28, "which": "bloodmnist"}, "bloodmnist.npz is missing; run `ddbench prepare"),
    ],
)
def test_a_set_of_medmnist_that_cannot_be_used_is_one_line(
    settings: dict[str, Any], told: str, write_medmnist: Write, tmp_path: Path
) -> None:
    write_medmnist("pathmnist", 28)
    sys.modules["medmnist"].INFO["bloodmnist"]["url"] = "http://example.org/"
    with pytest.raises(UserError) as error:
        Dataset.open("medmnist", settings, tmp_path)
    assert told in str(error.value)


def test_a_damaged_file_of_medmnist_is_one_line(write_medmnist: Write, tmp_path: Path) -> None:
    file = write_medmnist("pathmnist", 28)
    whole = file.read_bytes()
    for damaged in (whole[:100], b"", whole[:300] + bytes(200) + whole[500:]):
        file.write_bytes(damaged)
        with pytest.raises(UserError, match=r"pathmnist\.npz cannot be read"):
            Dataset.open("medmnist", {}, tmp_path)
    np.savez(file, train_images=np.zeros((3, 28, 28)), train_labels=np.zeros(3))
    with pytest.raises(UserError, match=r"has train images \(3, 28, 28\)"):
        Dataset.open("medmnist", {}, tmp_path)


def test_medmnist_without_its_package_names_the_extra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "medmnist", None)
    with pytest.raises(UserError, match=r"pip install 'ddbench\[medmnist\]'"):
        Dataset.open("medmnist", {}, tmp_path)
