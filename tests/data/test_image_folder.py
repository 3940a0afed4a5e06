"""Folders of images: what is found, decoded and left out, and folders that are no dataset."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import ImageFolder as Theirs

from ddbench.cli.main import main
from ddbench.data.dataset import Dataset
from ddbench.data.formats.decoding import _FORMATS, SUFFIXES, Filter, decode
from ddbench.errors import UserError
from ddbench.runs.compose import request_of

Write = Callable[..., None]


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
    assert "train has no folders; expected one folder per class" in complaint()


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
            "broken link": 1,
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
