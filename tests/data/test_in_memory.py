"""Datasets from memory: what may be handed over, what is kept, and mistakes in one line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from ddbench.data.dataset import Dataset
from ddbench.data.in_memory import keep
from ddbench.errors import UserError

DRAWS = np.random.RandomState(0)
COUNTS = {"train": 12, "test": 6}
IMAGES = {s: DRAWS.randint(0, 256, (n, 3, 8, 8)).astype(np.uint8) for s, n in COUNTS.items()}
LABELS = {s: np.arange(n) % 3 for s, n in COUNTS.items()}
PAIRS = {split: (IMAGES[split], LABELS[split]) for split in COUNTS}
COLOURS = ["red", "green", "blue"]


class Pairs(torch.utils.data.Dataset[Any]):
    """As torchvision's: pictures and numbers, with the names of the classes."""

    classes = COLOURS

    def __init__(self, split: str) -> None:
        self.split = split

    def __len__(self) -> int:
        return COUNTS[self.split]

    def __getitem__(self, number: int) -> tuple[Image.Image, int]:
        pixels = IMAGES[self.split][number].transpose(1, 2, 0)
        return Image.fromarray(pixels), int(LABELS[self.split][number])


class ClassLabel:
    """The kind of a column of labels in Hugging Face's library."""

    names = COLOURS


Image_ = type("Image", (), {})


class Columns:
    """As a Hugging Face Dataset, as far as it is used."""

    features = {"id": object(), "photo": Image_(), "colour": ClassLabel()}  # noqa: RUF012
    column_names = ("id", "photo", "colour")

    def __init__(self, split: str) -> None:
        self.split = split

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for number in range(COUNTS[self.split]):
            picture, label = Pairs(self.split)[number]
            yield {"id": number, "photo": picture, "colour": label}


def last(split: str) -> np.ndarray:
    return IMAGES[split].transpose(0, 2, 3, 1)


FORMS: dict[str, Callable[[str], Any]] = {
    "channels first": lambda s: PAIRS[s],
    "channels last": lambda s: (last(s), LABELS[s].tolist()),
    "floats": lambda s: (IMAGES[s] / 255, LABELS[s].astype(np.uint8)),
    "half floats": lambda s: (torch.from_numpy(IMAGES[s] / 255).half(), LABELS[s]),
    "tensors": lambda s: (torch.from_numpy(IMAGES[s]), torch.from_numpy(LABELS[s])),
    "mapping": lambda s: {"images": IMAGES[s], "labels": LABELS[s]},
    "torch dataset": Pairs,
    "torch subset": lambda s: torch.utils.data.Subset(Pairs(s), range(COUNTS[s])),
    "hugging face": Columns,
}


def opened(given: Any, root: Path) -> Dataset:
    keys = keep(given, root)
    settings = {key.removeprefix("dataset."): value for key, value in keys.items()}
    return Dataset.open(settings.pop("dataset"), settings, root)


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_same_images_and_one_identity(form: str, tmp_path: Path) -> None:
    made = {split: FORMS[form](split) for split in COUNTS}
    whole = {**made, "class_names": COLOURS}
    dataset = opened(whole, tmp_path)
    assert dataset.identity() == opened({**PAIRS, "class_names": COLOURS}, tmp_path).identity()
    assert keep(whole, tmp_path)["dataset.content"] == keep(whole, tmp_path)["dataset.content"]
    assert np.array_equal(dataset.train.images, IMAGES["train"])
    assert np.array_equal(dataset.train.labels, LABELS["train"])
    with dataset.scoring():
        assert np.array_equal(dataset.test.images, IMAGES["test"])
    assert dataset.class_names == ("red", "green", "blue")
    assert (dataset.source.train_size, dataset.source.test_size) == (12, 6)


@pytest.mark.parametrize("kind", [Pairs, Columns])
def test_names_of_classes_are_taken_from_a_dataset_that_has_them(
    kind: Callable[[str], Any], tmp_path: Path
) -> None:
    assert opened((kind("train"), kind("test")), tmp_path).class_names == tuple(COLOURS)


def test_classes_without_names_are_numbered(tmp_path: Path) -> None:
    assert opened((PAIRS["train"], PAIRS["test"]), tmp_path).class_names == ("0", "1", "2")


def test_grey_images_need_no_axis_of_channels(tmp_path: Path) -> None:
    grey = {split: (IMAGES[split][:, 0], LABELS[split]) for split in COUNTS}
    assert opened(grey, tmp_path).channels == 1


def test_a_validation_split_is_the_test_split_where_there_is_no_other(tmp_path: Path) -> None:
    given = {"train": PAIRS["train"], "validation": PAIRS["test"]}
    assert keep(given, tmp_path) == keep(PAIRS, tmp_path)


def test_other_labels_names_or_pixels_are_other_content(tmp_path: Path) -> None:
    images, labels = PAIRS["train"]
    others = [
        PAIRS,
        {**PAIRS, "class_names": COLOURS},
        {**PAIRS, "train": (images, labels[::-1])},
        {**PAIRS, "train": (images ^ 1, labels)},
        {**PAIRS, "test": (IMAGES["test"] ^ 1, LABELS["test"])},
    ]
    assert len({keep(given, tmp_path)["dataset.content"] for given in others}) == len(others)


def test_a_name_is_that_of_the_boards_and_no_part_of_the_content(tmp_path: Path) -> None:
    named = keep({**PAIRS, "name": "flowers"}, tmp_path)
    assert named == {**keep(PAIRS, tmp_path), "dataset.called": "flowers"}


@pytest.mark.parametrize("layout", [None, "numpy", "torch"])
def test_datasets_of_hugging_face_are_taken_whole(layout: str | None, tmp_path: Path) -> None:
    theirs = pytest.importorskip("datasets", reason="the package datasets is not installed")
    columns = theirs.Features(
        {
            "img": theirs.Image(),
            "colour": theirs.ClassLabel(names=COLOURS),
            "id": theirs.Value("int64"),
        }
    )
    made = {
        split: theirs.Dataset.from_dict(
            {"img": list(last(split)), "colour": LABELS[split], "id": LABELS[split]}, columns
        ).with_format(layout)
        for split in COUNTS
    }
    keys = keep(theirs.DatasetDict(made), tmp_path)
    assert keys == keep({**PAIRS, "class_names": COLOURS}, tmp_path)
    with pytest.raises(UserError, match="there is no test split"):
        keep(theirs.DatasetDict(train=made["train"]), tmp_path)


def split_with(images: Any, labels: Any = LABELS["train"]) -> dict[str, Any]:
    return {"train": (images, labels), "test": PAIRS["test"]}


WRONG: dict[str, tuple[Any, str]] = {
    "no test split": ({"train": PAIRS["train"]}, "there is no test split (there is: train)"),
    "one dataset": (Pairs("train"), "a Pairs has no test split"),
    "three parts": ((1, 2, 3), "there are 3 parts, not 2"),
    "images alone": ((IMAGES["train"], IMAGES["test"]), "is one array; expected two"),
    "another key": ({**PAIRS, "labels": COLOURS}, "'labels' is not a part of a dataset"),
    "a flat shape": (split_with(IMAGES["train"].reshape(12, -1)), "have shape (12, 192)"),
    "not square": (split_with(IMAGES["train"][..., :4]), "images must be square"),
    "no axis of channels": (split_with(IMAGES["train"][:, :, :3, :3]), "channel axis is ambiguous"),
    "wide numbers": (split_with(IMAGES["train"].astype(int)), "have type int64"),
    "floats to 255": (split_with(IMAGES["train"] * 1.0), "range over 0..255"),
    "negative floats": (split_with(IMAGES["train"] / 255 - 0.5), "range over -0.5..0.5"),
    "no number": (split_with(np.full((12, 3, 8, 8), np.nan)), "range over nan..nan"),
    "names as labels": (split_with(IMAGES["train"], COLOURS * 4), "labels of the train split"),
    "labels of ones": (split_with(IMAGES["train"], np.eye(12)), "expected one label per image"),
    "real labels": (split_with(IMAGES["train"], LABELS["train"] / 1), "have type float64"),
    "labels below 0": (split_with(IMAGES["train"], LABELS["train"] - 1), "begin at -1"),
    "too few labels": (split_with(IMAGES["train"], LABELS["train"][:-1]), "have shape (11,)"),
    "a missing class": (
        {**PAIRS, "test": (IMAGES["test"], LABELS["test"] % 2)},
        "the test split has no image of 1 of 3 classes, such as '2' (2)",
    ),
    "an unknown class": ({**PAIRS, "class_names": COLOURS[:2]}, "has the label 2"),
    "one class": (
        {split: (IMAGES[split], 0 * LABELS[split]) for split in COUNTS},
        "there is 1 class",
    ),
    "a name twice": ({**PAIRS, "class_names": ["a", "b", "a"]}, "class_names must be different"),
    "other sizes": (
        {**PAIRS, "test": (IMAGES["test"][..., :4, :4], LABELS["test"])},
        "training images are (3, 8, 8) and test images (3, 4, 4)",
    ),
    "nothing": (split_with(np.zeros((0, 3, 8, 8), np.uint8), []), "have shape (0, 3, 8, 8)"),
    "items that are no pairs": ((list(range(3)), Pairs("test")), "has 3 parts"),
    "images of two sizes": (
        (torch.utils.data.TensorDataset(torch.zeros(2)), Pairs("test")),
        "item 0 of the train split is not a pair",
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_no_dataset_is_one_line(name: str, tmp_path: Path) -> None:
    given, told = WRONG[name]
    with pytest.raises(UserError) as error:
        keep(given, tmp_path)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("name", "told"), [("digits", "has this name already"), ("my data", "a name has letters")]
)
def test_a_name_that_boards_cannot_have_is_one_line(name: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=told):
        opened({**PAIRS, "name": name}, tmp_path)


@pytest.mark.parametrize("content", ["", "../../etc", "0" * 20])
def test_arrays_that_are_not_there_are_one_line(content: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"ddbench.run\(dataset=|20 hexadecimal digits") as error:
        Dataset.open("arrays", {"content": content}, tmp_path)
    assert "\n" not in str(error.value)
