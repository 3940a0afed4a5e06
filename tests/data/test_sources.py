"""Every registered dataset, as its files on this machine allow; see `ddbench.testing.datasets`."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torchvision.datasets.mnist

from ddbench.data.dataset import Dataset
from ddbench.data.registry import DATASETS
from ddbench.data.source import DatasetSource
from ddbench.data.sources._packaged_table import packaged_table
from ddbench.data.sources._torchvision import TorchvisionSource
from ddbench.errors import UserError
from ddbench.testing import Check, checks

NAMES = DATASETS.names()
CIFAR = [name for name in NAMES if name.startswith("cifar")]
TORCHVISION = [name for name in NAMES if issubclass(DATASETS[name], TorchvisionSource)]
BUNDLED = ["digits", "mnist5k"]
DATA = os.environ.get("DDBENCH_DATA")


def source_of(name: str, root: Path) -> DatasetSource:
    plugin = DATASETS[name]
    return plugin(plugin.Settings(), root)


def message_of(error: pytest.ExceptionInfo[UserError]) -> str:
    message = str(error.value)
    assert "\n" not in message
    return message


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("check", checks("datasets"), ids=str)
def test_dataset(
    check: Check,
    name: str,
    tmp_path: Path,
    hold: Callable[[Check, str, Path], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DDBENCH_DATA", DATA or str(tmp_path / "data"))
    hold(check, name, tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_pixels_use_the_whole_range(name: str, tmp_path: Path) -> None:
    source = source_of(name, Path(DATA) if DATA else tmp_path)
    try:
        source.check()
    except UserError:
        pytest.skip(f"the files of {name} are not here; DDBENCH_DATA says where they are")
    for split in ("train", "test"):
        images, _ = source.load(split)  # type: ignore[arg-type]
        assert images.min() == 0
        assert images.max() == 255


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_splits_are_disjoint_and_stratified(name: str, tmp_path: Path) -> None:
    source = source_of(name, tmp_path)
    train, train_labels = source.load("train")
    test, test_labels = source.load("test")
    seen = {image.tobytes() for image in train}
    assert not any(image.tobytes() in seen for image in test)
    per_class = np.bincount(train_labels) + np.bincount(test_labels)
    assert np.abs(np.bincount(test_labels) - per_class / 5).max() <= 1


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("digits", "47234a8f316c104483c1ca216ad594d398c5cdc4"),
        ("mnist5k", "ba27af0b60a300ae9dc45dca810c65f3e56e207a"),
    ],
)
def test_bundled_training_split_never_moves(name: str, digest: str, tmp_path: Path) -> None:
    assert Dataset.open(name, {}, tmp_path).train_hash == digest


@pytest.mark.parametrize("package", ["numpy", "no_such_package"])
def test_a_package_without_the_table_gives_none(package: str) -> None:
    assert packaged_table(package, "data/digits.csv.gz") is None


@pytest.mark.parametrize("name", BUNDLED)
def test_a_packages_own_function_gives_what_its_file_does(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    images, labels = source_of(name, tmp_path).load("test")
    module = f"ddbench.data.sources.{name}.packaged_table"
    monkeypatch.setattr(module, lambda package, file: None)
    by_function = source_of(name, tmp_path).load("test")
    assert np.array_equal(by_function[0], images)
    assert np.array_equal(by_function[1], labels)


@pytest.mark.parametrize("name", TORCHVISION)
def test_missing_files_are_one_line_with_folder_and_command(name: str, tmp_path: Path) -> None:
    source = source_of(name, tmp_path)
    assert isinstance(source, TorchvisionSource)
    for attempt in (source.check, lambda: source.load("train")):
        with pytest.raises(UserError) as error:
            attempt()
        message = message_of(error)
        assert str(source.folder) in message
        assert source.folder.is_absolute()
        assert f"`ddbench prepare {name}`" in message
        assert "missing" in message
        assert source.file_names[0] in message


@pytest.mark.parametrize("name", TORCHVISION)
def test_damaged_file_is_named(name: str, tmp_path: Path) -> None:
    source = source_of(name, tmp_path)
    assert isinstance(source, TorchvisionSource)
    source.folder.mkdir(parents=True)
    (source.folder / source.file_names[1]).write_bytes(b"cut short")
    with pytest.raises(UserError) as error:
        source.check()
    assert f"{source.file_names[1]} is damaged in {source.folder}" in message_of(error)


@pytest.mark.parametrize("failure", [URLError("no route"), RuntimeError("a\nb"), OSError("full")])
@pytest.mark.parametrize("name", TORCHVISION)
def test_failed_download_is_one_line_that_says_how_to_do_it_by_hand(
    name: str, failure: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setattr(torchvision.datasets.utils, "download_and_extract_archive", fail)
    monkeypatch.setattr(torchvision.datasets.utils, "download_url", fail)
    monkeypatch.setattr(torchvision.datasets.mnist, "download_and_extract_archive", fail)
    source = source_of(name, tmp_path)
    with pytest.raises(UserError) as error:
        source.prepare()
    message = message_of(error)
    assert "cannot be downloaded" in message
    assert str(tmp_path) in message
    assert "http" in message
    assert ".gz" in message or ".mat" in message
    # For MNIST's kin torchvision wraps a mirror's error in a RuntimeError of its own.
    assert type(failure).__name__ in message or "RuntimeError" in message


def write_blank_idx(file: Path, count: int, images: bool) -> None:
    """A file in the format of MNIST with nothing but zeros behind its header."""
    shape = [count, 28, 28] if images else [count]
    header = bytes([0, 0, 8, len(shape)]) + np.array(shape, dtype=">u4").tobytes()
    with file.open("wb") as stream:
        stream.write(header)
        stream.truncate(len(header) + int(np.prod(shape)))


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_prepare_replaces_a_damaged_file_in_the_format_of_mnist(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of(name, tmp_path)
    assert isinstance(source, TorchvisionSource)

    def download(_url: str, download_root: str, filename: str, md5: str) -> None:
        size = source.train_size if filename.startswith("train") else source.test_size
        write_blank_idx(Path(download_root) / filename[:-3], size, "images" in filename)

    monkeypatch.setattr(torchvision.datasets.mnist, "download_and_extract_archive", download)
    source.folder.mkdir(parents=True)
    (source.folder / source.file_names[0]).write_bytes(b"cut short")
    assert str(source.folder) in source.prepare()
    images, labels = source.load("test")
    assert images.shape == (10_000, 1, 28, 28)
    assert images.dtype == np.uint8
    assert labels.shape == (10_000,)
    assert labels.dtype == np.int64


@pytest.mark.parametrize("name", CIFAR)
def test_prepare_fetches_the_archive_and_checks_what_came(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = source_of(name, tmp_path)
    assert isinstance(source, TorchvisionSource)
    fetched: list[str] = []

    def download(url: str, root: str, filename: str, md5: str) -> None:
        fetched.append(url)
        source.folder.mkdir(parents=True)
        for file in source.file_names:
            (source.folder / file).write_bytes(b"something else")

    monkeypatch.setattr(torchvision.datasets.utils, "download_and_extract_archive", download)
    with pytest.raises(UserError, match="damaged"):
        source.prepare()
    assert fetched == [source.torchvision_class.url]


@pytest.mark.parametrize("name", BUNDLED)
def test_bundled_dataset_needs_no_preparation(name: str, tmp_path: Path) -> None:
    assert "nothing to prepare" in source_of(name, tmp_path).prepare()
    assert not any(tmp_path.iterdir())


@pytest.mark.skipif(not DATA, reason="DDBENCH_DATA names no folder")
@pytest.mark.parametrize("name", CIFAR)
def test_hard_coded_names_of_cifar_are_those_of_its_files(name: str) -> None:
    source = source_of(name, Path(str(DATA)))
    try:
        source.check()
    except UserError as error:
        pytest.skip(str(error))
    assert isinstance(source, TorchvisionSource)
    data = source.torchvision_class(DATA, train=False)
    assert tuple(data.classes) == source.class_names
    assert source.prepare().endswith(str(source.folder))
