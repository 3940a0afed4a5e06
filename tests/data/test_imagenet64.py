"""ImageNet64 from pickles, archives and conversions: the same images, and one identity."""

from __future__ import annotations

import os
import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ddbench.cli.main import main
from ddbench.data.dataset import Dataset
from ddbench.data.formats import conversion
from ddbench.data.pixels import PartedImages
from ddbench.data.registry import DATASETS
from ddbench.errors import UserError
from ddbench.runtime.progress import Phase

CLASSES = 5
NAMES = [*(f"train_data_batch_{number}" for number in range(1, 11)), "val_data"]
RANDOM = np.random.RandomState(0)
BATCHES = {
    name: {
        "data": RANDOM.randint(0, 256, (CLASSES + number % 2, 12_288)).astype(np.uint8),
        "labels": [1 + (number + i) % CLASSES for i in range(CLASSES + number % 2)],
        "mean": np.zeros(12_288),
    }
    for number, name in enumerate(NAMES)
}
Write = Callable[[Path], None]


def module_of_source() -> object:
    return sys.modules[DATASETS["imagenet64"].__module__]


@pytest.fixture(autouse=True)
def few_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(DATASETS["imagenet64"], "class_names", ("1", "2", "3", "4", "5"))


def pickles(protocol: int) -> Write:
    def write(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in BATCHES.items():
            (folder / name).write_bytes(pickle.dumps(content, protocol))

    return write


def archives(save: Callable[..., None]) -> Write:
    def write(folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in BATCHES.items():
            save(folder / f"{name}.npz", **content)

    return write


def zipped(folder: Path) -> None:
    pickles(4)(folder)
    for part, chosen in (
        ("train_part1", NAMES[:5]),
        ("train_part2", NAMES[5:-1]),
        ("val", NAMES[-1:]),
    ):
        with zipfile.ZipFile(folder / f"Imagenet64_{part}.zip", "w") as archive:
            archive.writestr("../../outside", b"nothing")
            for name in chosen:
                archive.write(folder / name, f"somewhere/{name}")
                (folder / name).unlink()


FORMATS: dict[str, Write] = {
    "protocol 2": pickles(2),
    "protocol 4": pickles(4),
    "protocol 5": pickles(5),
    "npz": archives(np.savez),
    "compressed npz": archives(np.savez_compressed),
    "zip": zipped,
}


def opened(root: Path) -> Dataset:
    return Dataset.open("imagenet64", {}, root)


def prepared(root: Path) -> int:
    return main(["prepare", "imagenet64", f"data_root={root}"])


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_has_the_same_images_and_identity(form: str, tmp_path: Path) -> None:
    pickles(4)(tmp_path / "reference" / "imagenet64")
    reference = opened(tmp_path / "reference").identity()
    FORMATS[form](tmp_path / "imagenet64")
    if form == "zip":
        assert prepared(tmp_path) == 0
    for _ in range(2):
        dataset = opened(tmp_path)
        assert dataset.identity() == reference
        whole = np.concatenate([batch["data"] for batch in list(BATCHES.values())[:-1]])
        images = np.concatenate([part.numpy() for part in dataset.train.images.split(9)])
        assert np.array_equal(images.reshape(-1, 12_288), whole)
        labels = [label for batch in list(BATCHES.values())[:-1] for label in batch["labels"]]
        assert (dataset.train.labels + 1).tolist() == labels
        with dataset.scoring():
            assert len(dataset.test) == len(BATCHES["val_data"]["labels"])
        assert (dataset.source.train_size, dataset.source.test_size) == (len(whole), CLASSES)
        assert prepared(tmp_path) == 0
    assert not (tmp_path / "outside").exists()


@pytest.mark.parametrize("form", ["protocol 4", "protocol 5"])
def test_pickles_are_mapped_where_they_lie_and_need_no_conversion(
    form: str, tmp_path: Path
) -> None:
    FORMATS[form](tmp_path / "imagenet64")
    assert prepared(tmp_path) == 0
    assert isinstance(opened(tmp_path).train.images, PartedImages)
    assert not (tmp_path / "converted").exists()


@pytest.mark.parametrize("form", ["protocol 2", "compressed npz"])
def test_many_images_that_cannot_be_mapped_are_converted_first(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FORMATS[form](tmp_path / "imagenet64")
    monkeypatch.setattr(module_of_source(), "DECODED_BYTES", 1)
    with pytest.raises(UserError, match="run `ddbench prepare imagenet64`"):
        opened(tmp_path)
    assert prepared(tmp_path) == 0
    before = opened(tmp_path).identity()
    for file in (tmp_path / "imagenet64").iterdir():
        file.unlink()  # the converted files are enough
    assert opened(tmp_path).identity() == before


@pytest.mark.parametrize("form", ["protocol 2", "compressed npz"])
@pytest.mark.parametrize("stop_after", [0, 1, 3])
def test_interrupted_conversion_continues_and_ends_with_the_same_bytes(
    form: str, stop_after: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for root in (tmp_path / "whole", tmp_path / "stopped"):
        FORMATS[form](root / "imagenet64")
    assert prepared(tmp_path / "whole") == 0
    monkeypatch.setattr(module_of_source(), "_BLOCK", 2)
    advanced: list[int] = []

    def advance(self: Phase, done: int) -> None:
        advanced.append(done)
        if len(advanced) > stop_after:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Phase, "advance", advance)
        assert prepared(tmp_path / "stopped") == 130
    folder = tmp_path / "stopped" / "converted" / "imagenet64"
    (partial,) = folder.glob("*.partial")
    with partial.open("ab") as file:
        file.write(b"half an image")
    starts: list[int] = []
    original = conversion.Conversion._write_images

    def noting(self, key, shape, blocks):  # type: ignore[no-untyped-def]
        return original(self, key, shape, lambda start: starts.append(start) or blocks(start))

    monkeypatch.setattr(conversion.Conversion, "_write_images", noting)
    assert prepared(tmp_path / "stopped") == 0
    assert starts[0] > 0
    for file in (tmp_path / "whole" / "converted" / "imagenet64").glob("*.npy"):
        assert file.read_bytes() == (folder / file.name).read_bytes()
    assert not list(folder.glob("*.partial"))


def test_changed_batches_are_noticed_and_damaged_conversions_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    FORMATS["compressed npz"](tmp_path / "imagenet64")
    assert prepared(tmp_path) == 0
    images = tmp_path / "converted" / "imagenet64" / "train.npy"
    damaged = bytearray(images.read_bytes())
    damaged[-1] ^= 1
    images.write_bytes(damaged)
    assert prepared(tmp_path) == 2
    assert "checksum differs" in capsys.readouterr().err
    images.write_bytes(damaged[:-1])
    with pytest.raises(UserError, match=r"train\.npy is damaged"):
        opened(tmp_path)
    changed = tmp_path / "imagenet64" / "train_data_batch_3.npz"
    os.utime(changed, ns=(0, 0))
    opened(tmp_path)  # reads the archives again
    assert prepared(tmp_path) == 0
    assert images.read_bytes() != bytes(damaged)


def test_missing_batches_are_named_with_the_way_to_get_them(tmp_path: Path) -> None:
    pickles(4)(tmp_path / "imagenet64")
    (tmp_path / "imagenet64" / "train_data_batch_7").unlink()
    with pytest.raises(UserError, match=r"train_data_batch_7 missing.*image-net.org.*prepare") as e:
        opened(tmp_path)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[: len(data) // 2],
        lambda data: data[:10],
        lambda data: b"",
        lambda data: data[:5000] + bytes(100) + data[5100:],
    ],
)
def test_damaged_archive_is_one_line(damage: Callable[[bytes], bytes], tmp_path: Path) -> None:
    FORMATS["compressed npz"](tmp_path / "imagenet64")
    file = tmp_path / "imagenet64" / "train_data_batch_2.npz"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(UserError, match=r"train_data_batch_2.npz is not a batch") as error:
        opened(tmp_path)
    assert "\n" not in str(error.value)


def test_pickles_inside_an_archive_are_refused(tmp_path: Path) -> None:
    FORMATS["npz"](tmp_path / "imagenet64")
    file = tmp_path / "imagenet64" / "val_data.npz"
    np.savez(file, data=np.array([os.getcwd], dtype=object), labels=[1])
    with pytest.raises(UserError, match="not of numbers"):
        opened(tmp_path)


def test_class_names_come_from_the_map_file_where_it_is(tmp_path: Path) -> None:
    names = module_of_source()._class_names  # type: ignore[attr-defined]
    file = tmp_path / "map_clsloc.txt"
    assert names(file) is None
    lines = [f"n{number:08} {number} thing{number % 999}" for number in range(1, 1001)]
    file.write_text("\n".join(reversed(lines)))
    assert names(file)[:2] == ("thing1 (n00000001)", "thing2")
    assert len(set(names(file))) == 1000
    for wrong in (lines[:-1], [*lines[:-1], lines[0]], ["x", *lines[1:]]):
        file.write_text("\n".join(wrong))
        with pytest.raises(UserError, match="1000 lines"):
            names(file)
