"""Tiny ImageNet: classes, order, decoding once, and files that are wrong."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets.utils
from PIL import Image

from ddbench.cli.main import main
from ddbench.data.dataset import Dataset
from ddbench.data.pixels import pixel_hash
from ddbench.errors import UserError

IDS = ["n02124075", "n01443537", "n04067472"]  # as in the official file: in no order
Write = Callable[..., None]


@pytest.fixture
def tiny_root(tmp_path: Path, write_images: Write) -> Path:
    folder = tmp_path / "tiny-imagenet-200"
    for name in IDS:
        files = [f"{name}_{number}.JPEG" for number in (0, 1, 10, 2)]
        write_images(folder / "train" / name / "images", files)
        (folder / "train" / name / f"{name}_boxes.txt").write_text("")
    (folder / "test" / "images").mkdir(parents=True)
    write_images(folder / "val" / "images", [f"val_{number}.JPEG" for number in range(6)])
    lines = [f"val_{5 - i}.JPEG\t{IDS[i % 3]}\t0\t0\t63\t63\n" for i in range(6)]
    (folder / "val" / "val_annotations.txt").write_text("".join(lines))
    (folder / "wnids.txt").write_text("".join(f"{name}\n" for name in IDS))
    words = "n01443537\tgoldfish, Carassius auratus\nn02124075\tEgyptian cat\nn00000000\tother\n"
    (folder / "words.txt").write_text(words)
    return tmp_path


@pytest.fixture
def sort_validation() -> Callable[[Path, bool], None]:
    """Move the validation images into folders of their classes, as scripts on the web do it."""

    def move(root: Path, keep_a_level: bool) -> None:
        folder = root / "tiny-imagenet-200/val"
        for line in (folder / "val_annotations.txt").read_text().splitlines():
            name, class_id = line.split("\t")[:2]
            place = folder / class_id / ("images" if keep_a_level else "")
            place.mkdir(parents=True, exist_ok=True)
            (folder / "images" / name).rename(place / name)
        (folder / "images").rmdir()

    return move


def tiny(root: Path) -> Dataset:
    return Dataset.open("tinyimagenet", {}, root)


def pixels_of(file: Path) -> np.ndarray:
    return np.asarray(Image.open(file).convert("RGB")).transpose(2, 0, 1)


def test_classes_are_in_order_of_their_ids_and_named_by_words(tiny_root: Path) -> None:
    dataset = tiny(tiny_root)
    assert dataset.class_names == ("goldfish", "Egyptian cat", "n04067472")
    assert dataset.train.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert (dataset.source.train_size, dataset.source.test_size) == (12, 6)
    for position, number in ((4, 0), (5, 1), (6, 10), (7, 2)):  # names are sorted as text
        file = f"tiny-imagenet-200/train/n02124075/images/n02124075_{number}.JPEG"
        assert np.array_equal(dataset.train.images[position], pixels_of(tiny_root / file))


def test_validation_images_have_the_classes_of_their_annotations(tiny_root: Path) -> None:
    dataset = tiny(tiny_root)
    with dataset.scoring():
        assert dataset.test.labels.tolist() == [1, 0, 2, 1, 0, 2]
        for position in range(6):
            file = tiny_root / f"tiny-imagenet-200/val/images/val_{5 - position}.JPEG"
            assert np.array_equal(dataset.test.images[position], pixels_of(file))


def test_grey_jpeg_becomes_colour(tiny_root: Path) -> None:
    file = tiny_root / "tiny-imagenet-200/train/n01443537/images/n01443537_0.JPEG"
    Image.new("L", (64, 64), 77).save(file)
    assert set(tiny(tiny_root).train.images[0].flatten().tolist()) == {77}


def test_images_are_decoded_once_and_hashed_once(
    tiny_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["prepare", "tinyimagenet", f"data_root={tiny_root}"]) == 0
    first = tiny(tiny_root)
    assert first.train_hash == pixel_hash(first.train.images, first.train.labels)
    monkeypatch.setattr("ddbench.data.formats.image_files.decode", None)
    assert tiny(tiny_root).identity() == first.identity()
    changed = tiny_root / "tiny-imagenet-200/train/n01443537/images/n01443537_0.JPEG"
    os.utime(changed, ns=(0, 0))
    with pytest.raises(UserError, match="not callable"):  # it would be decoded again
        tiny(tiny_root)


def test_images_are_decoded_in_memory_where_nothing_can_be_written(
    tiny_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ddbench.data.formats.image_files._can_write", lambda folder: False)
    in_memory = tiny(tiny_root).identity()
    assert not (tiny_root / "converted").exists()
    monkeypatch.undo()
    assert tiny(tiny_root).identity() == in_memory


def test_part_of_the_official_classes_leaves_out_the_others_annotations(tiny_root: Path) -> None:
    (tiny_root / "tiny-imagenet-200/wnids.txt").write_text("n01443537\nn04067472\n")
    dataset = tiny(tiny_root)
    assert dataset.class_names == ("goldfish", "n04067472")
    with dataset.scoring():
        assert dataset.test.labels.tolist() == [0, 1, 0, 1]


ANNOTATIONS = "val/val_annotations.txt"
BROKEN: dict[str, tuple[str, Callable[[str], str], str]] = {
    "missing annotation": (ANNOTATIONS, lambda t: t.split("\n", 1)[1], "no line for 1 images"),
    "path upwards": (
        ANNOTATIONS,
        lambda t: t.replace("val_4", "../val_4"),
        "line 2: .* is not an image",
    ),
    "absolute path": (ANNOTATIONS, lambda t: t.replace("val_4", "/etc/val_4"), "line 2"),
    "unknown image": (ANNOTATIONS, lambda t: t.replace("val_4", "val_9"), "val_9.JPEG is missing"),
    "image twice": (ANNOTATIONS, lambda t: t.replace("val_4", "val_5"), "named twice"),
    "unknown class": (ANNOTATIONS, lambda t: t.replace(IDS[1], "n00000001"), "line 2"),
    "no class": (ANNOTATIONS, lambda t: t.replace("\t", " "), "line 1"),
    "class upwards": ("wnids.txt", lambda t: t + "../x\n", "distinct ids such as n01443537"),
    "class twice": ("wnids.txt", lambda t: t + IDS[0], "has 4 lines"),
    "one class": ("wnids.txt", lambda t: IDS[0], "has 1 lines"),
    "class without a folder": (
        "wnids.txt",
        lambda t: t + "n00000002\n",
        "n00000002.*cannot be read",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_list_is_one_line_that_names_it(case: str, tiny_root: Path) -> None:
    name, change, complaint = BROKEN[case]
    file = tiny_root / "tiny-imagenet-200" / name
    file.write_text(change(file.read_text()))
    with pytest.raises(UserError, match=complaint) as error:
        tiny(tiny_root)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("content", [b"", b"no image", b"\xff\xd8\xff\xe0 cut short"])
def test_image_that_cannot_be_decoded_is_named(content: bytes, tiny_root: Path) -> None:
    file = tiny_root / "tiny-imagenet-200/train/n01443537/images/n01443537_10.JPEG"
    file.write_bytes(content)
    with pytest.raises(UserError, match=r"n01443537_10.JPEG cannot be decoded") as error:
        tiny(tiny_root)
    assert "\n" not in str(error.value)


def test_image_of_another_size_is_named(tiny_root: Path, write_images: Write) -> None:
    folder = tiny_root / "tiny-imagenet-200/train/n01443537/images"
    write_images(folder, ["n01443537_10.JPEG"], size=(64, 63))
    with pytest.raises(UserError, match=r"n01443537_10.JPEG is 64x63, not 64x64"):
        tiny(tiny_root)


@pytest.mark.parametrize("name", ["wnids.txt", "val/val_annotations.txt"])
def test_missing_list_says_how_to_get_it(name: str, tiny_root: Path) -> None:
    (tiny_root / "tiny-imagenet-200" / name).unlink()
    with pytest.raises(UserError, match=r"is missing in .*`ddbench prepare tinyimagenet`.*http"):
        tiny(tiny_root)


def test_prepare_unpacks_an_archive_and_failed_downloads_are_one_line(
    tiny_root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, archive = tiny_root / "tiny-imagenet-200", tiny_root / "tiny-imagenet-200.zip"
    with zipfile.ZipFile(archive, "w") as packed:
        for file in sorted(folder.rglob("*.*")):
            if file.is_file():
                packed.write(file, file.relative_to(tiny_root))
    folder.rename(tiny_root / "before")

    def fail(*_: object) -> None:
        raise OSError("no\nroute")

    monkeypatch.setattr(torchvision.datasets.utils, "download_url", fail)
    assert main(["prepare", "tinyimagenet", f"data_root={tiny_root}"]) == 2
    told = capsys.readouterr().err
    assert "cannot be downloaded" in told
    assert told.count("\n") == 1
    assert archive.exists()
    monkeypatch.setattr(torchvision.datasets.utils, "download_url", lambda *_: None)
    assert main(["prepare", "tinyimagenet", f"data_root={tiny_root}"]) == 0
    assert tiny(tiny_root).train_hash == tiny(tiny_root).train_hash
    assert not list(tiny_root.glob(".unpacking*"))


def test_tiny_imagenet_with_sorted_validation_images_is_an_image_folder(
    tiny_root: Path, sort_validation: Callable[[Path, bool], None]
) -> None:
    sort_validation(tiny_root, False)
    tiny_folder = tiny_root / "tiny-imagenet-200"
    dataset = Dataset.open("image_folder", {"path": str(tiny_folder), "filter": "none"}, tiny_root)
    assert dataset.class_names == tuple(sorted(IDS))
    assert dataset.train_hash == tiny(tiny_root).train_hash
    assert dataset.left_out == {
        "train": {"ending .txt": 3},
        "test": {"outside the classes' folders": 1},
    }
    assert "(of val/)" in dataset.source.notes()[0]


@pytest.mark.parametrize("keep_a_level", [False, True])
@pytest.mark.parametrize("annotations", [False, True])
def test_sorted_validation_images_are_the_same_test_split(
    keep_a_level: bool,
    annotations: bool,
    tiny_root: Path,
    sort_validation: Callable[[Path, bool], None],
) -> None:
    lines = tiny_root / "tiny-imagenet-200/val/val_annotations.txt"
    lines.write_text("".join(sorted(lines.read_text().splitlines(keepends=True))))  # as they come
    before = tiny(tiny_root)
    with before.scoring():
        expected = before.test.hash
    sort_validation(tiny_root, keep_a_level)
    if not annotations:
        lines.unlink()
    after = tiny(tiny_root)
    with after.scoring():
        assert after.test.hash == expected
    assert after.identity() == before.identity()


def test_missing_class_of_sorted_validation_images_is_named(
    tiny_root: Path, sort_validation: Callable[[Path, bool], None]
) -> None:
    sort_validation(tiny_root, False)
    folder = tiny_root / "tiny-imagenet-200/val"
    (folder / IDS[0]).rename(folder / "n00000001")
    with pytest.raises(UserError, match=f"neither images/ nor the folder {IDS[0]}; run `ddbench"):
        tiny(tiny_root)


def test_images_of_other_classes_of_a_part_are_counted(tiny_root: Path) -> None:
    (tiny_root / "tiny-imagenet-200/wnids.txt").write_text("n01443537\nn04067472\n")
    assert tiny(tiny_root).left_out["test"] == {"class not in wnids.txt": 2}
