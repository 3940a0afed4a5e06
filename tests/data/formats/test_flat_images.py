"""Images that are not sorted into folders: a labels file or their names say the classes."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from ddbench.data.dataset import Dataset
from ddbench.errors import UserError

Write = Callable[..., None]
NAMES = {"train": ("a", "b", "c"), "test": ("x",)}


@pytest.fixture
def sorted_pets(tmp_path: Path, write_images: Write) -> Path:
    folder = tmp_path / "sorted"
    for split, names in NAMES.items():
        for class_name in ("dog", "cat"):
            files = [f"{class_name}_{name}.png" for name in names]
            write_images(folder / split / class_name, files, size=(8, 8))
    return folder


def flattened(pets: Path, folder: Path, test: str = "test") -> dict[str, list[str]]:
    """Copies of the images side by side, and lines of labels files for them."""
    rows: dict[str, list[str]] = {"train": [], "test": []}
    for split, lines in rows.items():
        place = folder / (split if split == "train" else test)
        place.mkdir(parents=True, exist_ok=True)
        for file in sorted(pets.glob(f"{split}/*/*.png"), reverse=True):
            shutil.copy(file, place / file.name)
            lines.append(f"{file.name},{file.parent.name}")
    return rows


def labelled(pets: Path, folder: Path) -> None:
    for split, lines in flattened(pets, folder).items():
        (folder / split / "labels.csv").write_text("\n".join(["file,label", *lines]))


def labelled_validation(pets: Path, folder: Path) -> None:
    for split, lines in flattened(pets, folder, "val").items():
        place = folder / ("val" if split == "test" else split)
        (place / "labels.csv").write_text("\n".join(["file,label", *lines]))


def one_file(pets: Path, folder: Path) -> None:
    rows = flattened(pets, folder)
    lines = [f"{split}/{line},{split}" for split in rows for line in rows[split]]
    (folder / "labels.csv").write_text("\ufefffile,label,split\r\n" + "\r\n".join(lines))


def in_names(pets: Path, folder: Path) -> None:
    flattened(pets, folder)


def opened(path: Path, root: Path, pattern: str = "") -> Dataset:
    settings = {"path": str(path), "resolution": 8, "pattern": pattern}
    return Dataset.open("image_folder", settings, root)


LAYOUTS: dict[str, tuple[Callable[[Path, Path], None], str]] = {
    "a file in each split": (labelled, ""),
    "a validation split": (labelled_validation, ""),
    "one file": (one_file, ""),
    "classes in names": (in_names, "(dog|cat)_.*"),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_has_the_images_of_folders_of_classes(
    layout: str, sorted_pets: Path, tmp_path: Path
) -> None:
    write, pattern = LAYOUTS[layout]
    write(sorted_pets, tmp_path / "flat")
    dataset = opened(tmp_path / "flat", tmp_path, pattern)
    reference = opened(sorted_pets, tmp_path)
    assert dataset.class_names == reference.class_names == ("cat", "dog")
    assert dataset.identity() == reference.identity()
    with dataset.scoring(), reference.scoring():
        assert dataset.test.hash == reference.test.hash
    assert "6 training and 2 test images" in dataset.source.notes()[0]


def test_images_that_a_labels_file_does_not_name_are_counted(
    sorted_pets: Path, tmp_path: Path
) -> None:
    labelled(sorted_pets, tmp_path / "flat")
    shutil.copy(sorted_pets / "test/cat/cat_x.png", tmp_path / "flat/train/more.png")
    assert opened(tmp_path / "flat", tmp_path).left_out == {"train": {"not in labels.csv": 1}}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name,label\n", "labels.csv has no column 'file'; its first line is file,label"),
        ("", "labels.csv has no column 'file'"),
        ("file,label\n", "labels.csv has no training images; expected images of at least 2"),
        ("file,label\ncat_a.png,cat\n", "has only the class 'cat'"),
        ("file,label\ncat_a.png\n", "line 2: 'cat_a.png' with the label ''"),
        ("file,label\n../x.png,cat\n", "expected a path from"),
        ("file,label\n/etc/x.png,cat\n", "expected a path from"),
        ("file,label\nnone.png,cat\n", "none.png is missing or not an image file"),
        ("file,label\nlabels.csv,cat\n", "labels.csv is missing or not an image file"),
        ("file,label\ncat_a.png,cat\ncat_a.png,dog\n", "line 3: 'cat_a.png' is named twice"),
        ("file,label\ncat_a.png,cat\ndog_a.png,cow\n", "only one of the two has 'cow'"),
        ('file,label\n"cat_a.png,cat\n', "labels.csv cannot be read"),
    ],
)
def test_wrong_labels_file_is_one_line(
    text: str, told: str, sorted_pets: Path, tmp_path: Path
) -> None:
    labelled(sorted_pets, tmp_path / "flat")
    (tmp_path / "flat/train/labels.csv").write_text(text)
    with pytest.raises(UserError) as error:
        opened(tmp_path / "flat", tmp_path)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("pattern", "told"),
    [
        ("(", "no regular expression"),
        ("cat_.*", "expected one group"),
        ("(cat)_.*", "does not match pattern="),
    ],
)
def test_wrong_pattern_is_one_line(
    pattern: str, told: str, sorted_pets: Path, tmp_path: Path
) -> None:
    flattened(sorted_pets, tmp_path / "flat")
    with pytest.raises(UserError, match=told.replace("(", r"\(")):
        opened(tmp_path / "flat", tmp_path, pattern)
