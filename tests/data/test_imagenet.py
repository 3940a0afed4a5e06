"""ImageNet in every layout in which it is published, and ImageNet64 made from it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image

from ddbench.cli.main import main
from ddbench.data.dataset import Dataset
from ddbench.data.formats.decoding import Filter, decode
from ddbench.data.named_classes import CLASS_LISTS
from ddbench.data.registry import DATASETS
from ddbench.errors import UserError

WNIDS = ("n01440764", "n02102040", "n02134084")  # tench, English springer, ice bear
NUMBERS = {1: "n02134084", 2: "n01440764", 3: "n02102040"}
TRUTH = [2, 3, 1, 3, 2, 1]
Write = Callable[[Path], None]


@pytest.fixture
def root(tmp_path: Path, write_images: Callable[..., None]) -> Path:
    folder = tmp_path / "imagenet"
    for wnid in WNIDS:
        write_images(folder / "train" / wnid, [f"{wnid}_{n}.JPEG" for n in (1, 10, 2)], (30, 20))
    write_images(folder / "val", [f"ILSVRC2012_val_{n:08}.JPEG" for n in range(1, 7)], (20, 30))
    return tmp_path


def ground_truth(folder: Path) -> None:
    (folder / "ILSVRC2012_validation_ground_truth.txt").write_text("\n".join(map(str, TRUTH)))


def with_text(folder: Path) -> None:
    ground_truth(folder)
    lines = [f"{wnid} {number} thing" for number, wnid in NUMBERS.items()]
    (folder / "map_clsloc.txt").write_text("\n".join(lines))


def with_kit(folder: Path) -> None:
    kit = folder / "ILSVRC2012_devkit_t12" / "data"
    kit.mkdir(parents=True)
    ground_truth(kit)
    names = ("ILSVRC2012_ID", "WNID", "words", "gloss", "num_children")
    rows = [(number, wnid, "thing", "a thing", 0) for number, wnid in NUMBERS.items()]
    rows.append((4, "n00001740", "entity", "all", 3))
    kinds = [(name, "O") for name in names]
    scipy.io.savemat(kit / "meta.mat", {"synsets": np.array(rows, dtype=kinds)})


def with_solution(folder: Path) -> None:
    lines = [
        f"ILSVRC2012_val_{place:08},{NUMBERS[number]} 1 2 30 40 "
        for place, number in enumerate(TRUTH, start=1)
    ]
    (folder / "LOC_val_solution.csv").write_text(
        "\n".join(["ImageId,PredictionString", *reversed(lines)])
    )


def in_folders(folder: Path) -> None:
    for place, number in enumerate(TRUTH, start=1):
        target = folder / "val" / NUMBERS[number]
        target.mkdir(exist_ok=True)
        shutil.move(folder / "val" / f"ILSVRC2012_val_{place:08}.JPEG", target)


LAYOUTS: dict[str, Write] = {
    "ground truth and map": with_text,
    "development kit": with_kit,
    "solution": with_solution,
    "folders": in_folders,
}


def opened(root: Path, **settings: object) -> Dataset:
    return Dataset.open("imagenet", {"resolution": 16, **settings}, root)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_has_the_same_images_and_classes(layout: str, root: Path) -> None:
    LAYOUTS[layout](root / "imagenet")
    dataset = opened(root)
    assert dataset.class_names == ("tench", "English springer", "ice bear")
    assert dataset.source.wnids == WNIDS
    assert dataset.train.images.shape == (9, 3, 16, 16)
    assert dataset.train.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    file = root / "imagenet/train/n01440764/n01440764_10.JPEG"
    assert np.array_equal(dataset.train.images[1], decode(file, 16, Filter.bicubic))
    with dataset.scoring():
        assert dataset.test.labels.tolist() == [WNIDS.index(NUMBERS[number]) for number in TRUTH]


def test_of_named_classes_alone_the_images_are_decoded(root: Path) -> None:
    with_text(root / "imagenet")
    (root / "imagenet/train/n02134084/n02134084_1.JPEG").write_bytes(b"damaged")
    dataset = opened(root, classes=["tench", "n02102040"])
    assert dataset.class_names == ("tench", "English springer")
    assert len(dataset.train) == 6
    assert not dataset.is_whole
    assert dataset.left_out["test"] == {"class that is not used": 2}
    words = ["dataset.resolution=16", "dataset.classes=[tench,n02102040]", f"data_root={root}"]
    assert main(["prepare", "imagenet", *words]) == 0
    with pytest.raises(UserError, match=r"classes=imagenette: the folder .* has no class n"):
        opened(root, classes="imagenette")


def test_lists_of_classes_are_of_imagenet() -> None:
    wnids = DATASETS["imagenet"].wnids
    assert wnids is not None
    assert len(wnids) == 1000
    assert all({*names} < {*wnids} for names in CLASS_LISTS.values())


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda folder: None, "has no folders of classes; expected LOC_val_solution.csv, or"),
        (lambda folder: ground_truth(folder), "has no folders of classes; expected"),
        (lambda folder: shutil.rmtree(folder / "train"), "has no folders of classes such as n0"),
        (lambda folder: shutil.rmtree(folder / "val"), "val is missing"),
        (
            lambda folder: (with_text(folder), (folder / "map_clsloc.txt").write_text("x")),
            "map_clsloc.txt does not say the numbers of the classes",
        ),
        (
            lambda folder: (with_kit(folder), next(folder.rglob("meta.mat")).write_bytes(b"x")),
            "meta.mat cannot be read",
        ),
        (
            lambda folder: (with_text(folder), next(folder.glob("I*.txt")).write_text("2\n9999\n")),
            "line 2: '9999' is not a class number",
        ),
        (
            lambda folder: (with_text(folder), next(folder.glob("I*.txt")).write_text("2\n")),
            "ILSVRC2012_val_00000002.JPEG: its class is unknown",
        ),
        (
            lambda folder: (folder / "LOC_val_solution.csv").write_text("ImageId,x\na,b\n"),
            "LOC_val_solution.csv does not say the class of 'a'",
        ),
    ],
)
def test_what_is_missing_or_damaged_is_one_line(
    damage: Callable[[Path], object], told: str, root: Path
) -> None:
    damage(root / "imagenet")
    with pytest.raises(UserError) as error:
        opened(root)
    assert told in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("layout", ["ground truth and map", "development kit"])
def test_imagenet64_is_made_from_it_by_the_published_filter(
    layout: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DATASETS["imagenet64"], "class_names", ("1", "2", "3"))
    LAYOUTS[layout](root / "imagenet")
    assert main(["prepare", "imagenet64", f"data_root={root}"]) == 0
    dataset = Dataset.open("imagenet64", {}, root)
    assert dataset.source.wnids == tuple(NUMBERS.values())
    assert dataset.train.labels.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]
    with Image.open(root / "imagenet/train/n02134084/n02134084_1.JPEG") as image:
        published = np.asarray(image.resize((64, 64), Image.Resampling.BOX))
    images = next(iter(dataset.train.images.split(9)))
    assert np.array_equal(images[0].permute(1, 2, 0), published)
    with dataset.scoring():
        assert (dataset.test.labels + 1).tolist() == TRUTH
    part = Dataset.open("imagenet64", {"classes": ["n01440764", "n02102040"]}, root)
    assert part.train.labels.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (with_solution, "the order of its classes is in map_clsloc.txt or meta.mat"),
        (
            lambda folder: (with_text(folder), shutil.rmtree(folder / "train/n01440764")),
            "lacks 1 of 3 classes, such as n01440764",
        ),
    ],
)
def test_imagenet64_that_cannot_be_made_is_one_line(
    write: Write,
    told: str,
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(DATASETS["imagenet64"], "class_names", ("1", "2", "3"))
    write(root / "imagenet")
    assert main(["prepare", "imagenet64", f"data_root={root}"]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
