"""Tiny ImageNet and folders of images: labels, order, decoding once, and files that are wrong."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torchvision.datasets.utils
from PIL import Image
from torchvision.datasets import ImageFolder as Theirs

from ddbench.cli.main import main
from ddbench.data.dataset import Dataset
from ddbench.data.formats.decoding import _FORMATS, SUFFIXES, Filter, decode
from ddbench.data.pixels import pixel_hash
from ddbench.errors import UserError
from ddbench.runs.compose import request_of

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
        "line 2: .* is no image",
    ),
    "absolute path": (ANNOTATIONS, lambda t: t.replace("val_4", "/etc/val_4"), "line 2"),
    "unknown image": (ANNOTATIONS, lambda t: t.replace("val_4", "val_9"), "val_9.JPEG is missing"),
    "image twice": (ANNOTATIONS, lambda t: t.replace("val_4", "val_5"), "named twice"),
    "unknown class": (ANNOTATIONS, lambda t: t.replace(IDS[1], "n00000001"), "line 2"),
    "no class": (ANNOTATIONS, lambda t: t.replace("\t", " "), "line 1"),
    "class upwards": ("wnids.txt", lambda t: t + "../x\n", "different ids such as n01443537"),
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


@pytest.fixture
def pets(tmp_path: Path, write_images: Write) -> Path:
    folder = tmp_path / "pets"
    for split, names in (("train", ["b.png", "a.jpg", "c.bmp"]), ("val", ["x.png"])):
        for class_name in ("dog", "cat"):
            write_images(folder / split / class_name, names, size=(40, 20))
            (folder / split / class_name / "notes.txt").write_text("no image")
            (folder / split / class_name / ".hidden.png").write_text("no image")
    return folder


def image_folder(path: Path, root: Path, **settings: object) -> Dataset:
    return Dataset.open("image_folder", {"path": str(path), **settings}, root)


def test_folder_gives_classes_sizes_and_resolution(pets: Path, tmp_path: Path) -> None:
    dataset = image_folder(pets, tmp_path, resolution=10)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.train.images.shape == (6, 3, 10, 10)
    assert dataset.train.labels.tolist() == [0, 0, 0, 1, 1, 1]
    assert (dataset.source.train_size, dataset.source.test_size) == (6, 2)
    with dataset.scoring():
        assert dataset.test.labels.tolist() == [0, 1]
    assert np.array_equal(
        dataset.train.images[1], decode(pets / "train/cat/b.png", 10, Filter.bicubic)
    )


def test_middle_square_is_kept_and_averaged(tmp_path: Path) -> None:
    image = np.zeros((20, 40, 3), np.uint8)
    image[:, 10:20], image[:, 20:30], image[:, :10], image[:, 30:] = 40, 80, 255, 255
    Image.fromarray(image).save(tmp_path / "x.png")
    made = decode(tmp_path / "x.png", 2, Filter.box)
    assert made.tolist() == [[[40, 80], [40, 80]]] * 3


def test_resolutions_and_filters_have_caches_and_identities_of_their_own(
    pets: Path, tmp_path: Path
) -> None:
    choices = [{"resolution": 10}, {"resolution": 8}, {"resolution": 10, "filter": "box"}]
    hashes = [image_folder(pets, tmp_path, **choice).train_hash for choice in choices]
    assert len(set(hashes)) == 3
    assert [image_folder(pets, tmp_path, **choice).train_hash for choice in choices] == hashes


def test_settings_of_the_command_line_reach_the_source(pets: Path, tmp_path: Path) -> None:
    words = [f"dataset.path={pets}", "dataset.resolution=12", "dataset.filter=box"]
    request = request_of(["dataset=image_folder", "device=cpu", *words])
    settings = {"path": str(pets), "resolution": 12, "filter": "box"}
    assert request.task.lab.dataset_settings == settings
    dataset = Dataset.open("image_folder", request.task.lab.dataset_settings, tmp_path)
    assert dataset.resolution == 12
    assert main(["prepare", "image_folder", f"data_root={tmp_path}", *words]) == 0
    (place,) = (tmp_path / "converted").iterdir()
    assert (place / "train-12-box.npy").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["dataset.resolutoin=3"], "resolution"),
        (["dataset.resolution=0"], "must be at least 1"),
        (["dataset.resolution=big"], "resolution"),
        (["dataset.filter=cubic"], "filter"),
        ([], "dataset.path=FOLDER"),
        (["dataset.path=TMP/nowhere"], "nowhere/train cannot be read"),
        (["dataset.path=TMP"], "has no folder train (there is: pets"),
        (["dataset.path=TMP/pets/train"], "has no folder train (there is: cat, dog)"),
        (["dataset.path=TMP/pets/val/dog"], "has no folder train (there is: no folder at all)"),
        (["dataset.path=TMP/pets", "dataset.filter=none"], "is 40x20, not 64x64"),
    ],
)
@pytest.mark.parametrize("verb", [["prepare", "image_folder"], ["run", "dataset=image_folder"]])
def test_wrong_setting_is_one_line(
    verb: list[str],
    words: list[str],
    told: str,
    pets: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    roots = [f"data_root={tmp_path}"]
    if verb[0] == "run":
        roots += [f"runs_root={tmp_path / 'runs'}", "budget=smoke", "device=cpu", "method=random"]
    given = [word.replace("TMP", str(tmp_path)) for word in words]
    assert main([*verb, *given, *roots]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_folders_that_are_no_dataset_are_one_line(
    pets: Path, tmp_path: Path, write_images: Write
) -> None:
    def complaint() -> str:
        with pytest.raises(UserError) as error:
            image_folder(pets, tmp_path)
        return str(error.value)

    write_images(pets / "val" / "cow", ["x.png"])
    assert "'cow'" in complaint()
    (pets / "train" / "cow").mkdir()
    assert f"{pets / 'train' / 'cow'} has no images" in complaint()
    write_images(pets / "train" / "cow", ["x.png"])
    (pets / "val").rename(pets / "validation")
    assert "no folder test and no folder val" in complaint()
    (pets / "train").rename(pets / "photographs")
    write_images(pets / "train", ["x.png"])
    assert "train has no folders; needed is one folder a class" in complaint()


def test_images_in_folders_of_a_class_are_found_as_torchvision_finds_them(
    pets: Path, tmp_path: Path, write_images: Write
) -> None:
    write_images(pets / "train" / "cat" / "more" / "still", ["d.png", "a.png"])
    write_images(pets / "train" / "cat" / "Later", ["e.png"])
    os.symlink(pets / "train" / "cat", pets / "train" / "cat" / "more" / "again")
    os.symlink(tmp_path / "nowhere.png", pets / "train" / "cat" / "lost.png")
    found = [file.name for file in image_folder(pets, tmp_path).source._split("train").files]  # type: ignore[attr-defined]
    (pets / "train" / "cat" / "more" / "again").unlink()
    (pets / "train" / "cat" / "lost.png").unlink()
    for hidden in pets.glob("train/*/.hidden.png"):
        hidden.unlink()
    theirs = [Path(name).relative_to(pets).as_posix() for name, _ in Theirs(pets / "train").samples]
    assert found == theirs
    assert len(found) == 9


@pytest.mark.parametrize("ending", ["jfif", "jpe", "JPG", "apng", "pgm", "pnm", "Tif", "webp"])
def test_every_ending_of_pillow_is_known(ending: str, pets: Path, tmp_path: Path) -> None:
    kind = {"jfif": "JPEG", "jpe": "JPEG", "apng": "PNG", "pgm": "PPM", "pnm": "PPM"}
    Image.new("L", (40, 20), 9).save(pets / f"train/cat/d.{ending}", kind.get(ending))
    assert image_folder(pets, tmp_path).source.train_size == 7


def test_endings_are_those_that_pillow_opens_in_these_formats() -> None:
    known = {end for end, kind in Image.registered_extensions().items() if kind in _FORMATS}
    assert known <= SUFFIXES | {".dib"}


def test_what_is_left_out_is_counted_by_reason(
    pets: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (pets / "train/cat/Thumbs.DB").write_text("")
    (pets / "train/cat/LICENSE").write_text("")
    (pets / "train/cat/.thumbnails").mkdir()
    (pets / "train/cat/.thumbnails/x.png").write_text("")
    (pets / "train/stray.png").write_text("")
    os.symlink(tmp_path / "nowhere.png", pets / "train/dog/lost.png")
    dataset = image_folder(pets, tmp_path)
    assert dataset.left_out == {
        "train": {
            "ending .txt": 2,
            "hidden": 3,
            "ending .db": 1,
            "no ending": 1,
            "no file behind the name": 1,
            "outside the classes' folders": 1,
        },
        "test": {"ending .txt": 2, "hidden": 2},
    }
    (note,) = dataset.source.notes()
    assert "6 training and 2 test images; training files left out: " in note
    assert "3 (hidden)" in note
    words = ["prepare", "image_folder", f"dataset.path={pets}", f"data_root={tmp_path}"]
    assert main(words) == 0
    assert "6 training and 2 test images" in capsys.readouterr().out


def test_counts_are_in_the_log_of_a_run(pets: Path, tmp_path: Path) -> None:
    words = ["method=random", "dataset=image_folder", f"dataset.path={pets}", "budget=smoke"]
    words += ["dataset.resolution=8", "protocols=[hard]", "control=null", "threads=1"]
    roots = [f"runs_root={tmp_path / 'runs'}", f"data_root={tmp_path}"]
    assert main(["run", *words, *roots]) == 0
    (log,) = (tmp_path / "runs").glob("*/log.txt")
    assert "6 training and 2 test images; training files left out: " in log.read_text()


def test_tiny_imagenet_with_sorted_validation_images_is_an_image_folder(
    tiny_root: Path, sort_validation: Callable[[Path, bool], None]
) -> None:
    sort_validation(tiny_root, False)
    tiny_folder = tiny_root / "tiny-imagenet-200"
    dataset = image_folder(tiny_folder, tiny_root, filter="none")
    assert dataset.class_names == tuple(sorted(IDS))
    assert dataset.train_hash == tiny(tiny_root).train_hash
    assert dataset.left_out == {
        "train": {"ending .txt": 3},
        "test": {"outside the classes' folders": 1},
    }
    assert "(of val/)" in dataset.source.notes()[0]


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
