"""The guard of the test split, the validation cut, hashes, and sources that return nonsense."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ddbench.data import dataset as module
from ddbench.data.dataset import Dataset, ImageSplit
from ddbench.data.source import DatasetSettings, DatasetSource, Split
from ddbench.errors import UserError

IMAGES = np.random.RandomState(0).randint(0, 256, (60, 1, 4, 4)).astype(np.uint8)
LABELS = np.arange(60, dtype=np.int64) % 3


class Made(DatasetSource):
    """A source that returns what a test tells it to."""

    title = "made"
    channels = 1
    resolution = 4
    class_names = ("a", "b", "c")
    train_size = test_size = 60

    def __init__(self, result: Any = (IMAGES, LABELS)) -> None:
        super().__init__(DatasetSettings(), Path())
        self.result = result
        self.loaded: list[str] = []

    def check(self) -> None:
        self.loaded.append("checked")

    def load(self, split: Split) -> Any:
        self.loaded.append(split)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def test_only_the_training_split_is_loaded_and_after_the_check() -> None:
    source = Made()
    Dataset("made", source)
    assert source.loaded == ["checked", "train"]


def test_test_split_is_locked_outside_scoring() -> None:
    source = Made()
    dataset = Dataset("made", source)
    with pytest.raises(module.TestSplitLocked, match="score a finished distilled set"):
        _ = dataset.test
    with dataset.scoring():
        with dataset.scoring():
            assert len(dataset.test) == 60
        assert dataset.test.hash == dataset.train_hash  # this source has one set of images
    assert source.loaded.count("test") == 1
    with pytest.raises(module.TestSplitLocked):
        _ = dataset.test


def test_test_split_is_locked_again_after_scoring_fails() -> None:
    dataset = Dataset("made", Made())
    with pytest.raises(ZeroDivisionError), dataset.scoring():
        _ = 1 / 0
    with pytest.raises(module.TestSplitLocked):
        _ = dataset.test


def test_open_describes_the_dataset() -> None:
    dataset = Dataset.open("digits", {}, Path("nowhere"))
    assert (dataset.name, dataset.channels, dataset.resolution) == ("digits", 1, 8)
    assert dataset.classes == 10
    assert dataset.class_names[3] == "3"
    assert dataset.train.images.dtype == torch.uint8
    assert len(dataset.train) == 1437
    assert dataset.train.labels.dtype == torch.int64
    assert dataset.validation is None
    assert dataset.identity() == {
        "name": "digits",
        "version": 1,
        "train_hash": dataset.train_hash,
    }


def test_validation_is_a_stratified_disjoint_part_of_training() -> None:
    whole = Dataset.open("digits", {}, Path())
    cut = Dataset.open("digits", {}, Path(), validation=0.1)
    assert cut.validation is not None
    assert len(cut.validation) + len(cut.train) == len(whole.train)
    for c in range(10):
        count = len(whole.train.class_indices(c))
        assert len(cut.validation.class_indices(c)) == round(0.1 * count)
    parts = [image.numpy().tobytes() for s in (cut.train, cut.validation) for image in s.images]
    assert sorted(parts) == sorted(image.numpy().tobytes() for image in whole.train.images)


def test_validation_depends_on_its_seed_alone_and_changes_the_hash() -> None:
    cuts = [Dataset("made", Made(), 0.2, seed).train_hash for seed in (0, 0, 1)]
    assert cuts[0] == cuts[1] != cuts[2]
    assert cuts[0] != Dataset("made", Made()).train_hash


def test_smallest_validation_takes_one_image_of_every_class() -> None:
    dataset = Dataset("made", Made(), validation=1e-6)
    assert dataset.validation is not None
    assert sorted(dataset.validation.labels.tolist()) == [0, 1, 2]
    assert len(dataset.validation) == 3


def test_validation_that_empties_a_class_is_refused() -> None:
    with pytest.raises(UserError, match="leaves no training image of the class 'a', which has 1"):
        Dataset("made", Made((IMAGES[:3], LABELS[:3])), validation=0.5)


@pytest.mark.parametrize("fraction", [-0.1, 1.0, float("nan"), float("inf")])
def test_impossible_validation_is_refused(fraction: float) -> None:
    with pytest.raises(UserError, match="must be at least 0 and below 1"):
        Dataset("made", Made(), validation=fraction)


def test_hash_is_of_shape_pixels_and_labels() -> None:
    images, labels = torch.from_numpy(IMAGES), torch.from_numpy(LABELS)
    split = ImageSplit(images, labels)
    assert split.hash == "a9c657887b8280f487d2e768929b2a9d69bc1948"
    changed = images.clone()
    changed[-1, 0, 3, 3] ^= 1
    others = [
        ImageSplit(changed, labels),
        ImageSplit(images.view(60, 1, 2, 8), labels),
        ImageSplit(images, labels.flip(0)),
    ]
    assert len({split.hash, *(other.hash for other in others)}) == 4


def test_class_indices_are_all_images_of_a_class_in_order() -> None:
    split = Dataset("made", Made()).train
    assert split.class_indices(1).tolist() == list(range(1, 60, 3))
    for nobody in (-1, 3):
        with pytest.raises(IndexError):
            split.class_indices(nobody)


def test_read_only_memory_map_is_accepted_without_a_warning(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    np.save(tmp_path / "images.npy", IMAGES)
    images = np.load(tmp_path / "images.npy", mmap_mode="r")
    mapped = Dataset("made", Made((images, LABELS)))
    assert mapped.train_hash == Dataset("made", Made()).train_hash
    assert not recwarn.list


HOSTILE = {
    "load returned NoneType": None,
    "load returned list": [IMAGES, LABELS],
    "images are list": (IMAGES.tolist(), LABELS),
    "labels are Tensor": (IMAGES, torch.from_numpy(LABELS)),
    "images have type float32": (IMAGES.astype(np.float32), LABELS),
    "labels have type int32": (IMAGES, LABELS.astype(np.int32)),
    "negative strides": (IMAGES[::-1], LABELS),
    r"images have shape \(60, 4, 4\)": (IMAGES[:, 0], LABELS),
    r"images have shape \(60, 4, 4, 1\), not \(N, 1, 4, 4\)": (
        IMAGES.transpose(0, 2, 3, 1),
        LABELS,
    ),
    r"labels have shape \(59,\)": (IMAGES, LABELS[1:]),
    r"labels have shape \(60, 1\)": (IMAGES, LABELS[:, None]),
    r"labels range over 1\.\.3, not 0\.\.2": (IMAGES, LABELS + 1),
    r"labels range over -1\.\.1": (IMAGES, LABELS - 1),
    "1 of 3 classes have no image, such as 2": (IMAGES, LABELS % 2),
    "3 of 3 classes have no image": (IMAGES[:0], LABELS[:0]),
    "cannot be loaded: KeyError: 'x'": KeyError("x"),
    "cannot be loaded: ValueError: two lines": ValueError("two\nlines"),
}


@pytest.mark.parametrize("complaint", HOSTILE)
def test_source_that_returns_nonsense_is_refused_in_one_line(complaint: str) -> None:
    with pytest.raises(UserError, match=complaint) as error:
        Dataset("made", Made(HOSTILE[complaint]))
    assert "the train split of the dataset 'made'" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("fact", "value"),
    [
        ("channels", 0),
        ("resolution", "4"),
        ("class_names", ()),
        ("class_names", "abc"),
        ("class_names", ("a", "a", "b")),
    ],
)
def test_source_that_describes_no_dataset_is_refused(fact: str, value: object) -> None:
    source = Made()
    setattr(source, fact, value)
    with pytest.raises(UserError, match=fact):
        Dataset("made", source)


def test_unknown_dataset_and_setting_are_refused() -> None:
    with pytest.raises(UserError, match="unknown dataset 'digit': did you mean digits"):
        Dataset.open("digit", {}, Path())
    with pytest.raises(UserError, match="unknown setting of the dataset digits 'colour'"):
        Dataset.open("digits", {"colour": 1}, Path())


@pytest.mark.parametrize(
    "fingerprint", ["0123456789abcdef" * 2, "sample-12", "version 7 of it", "é"]
)
def test_hashes_are_hexadecimal_whatever_a_source_gives_for_them(fingerprint: str) -> None:
    source = Made()
    source.fingerprint = lambda split: fingerprint  # type: ignore[method-assign]
    whole, cut = Dataset("made", source), Dataset("made", source, 0.2)
    assert cut.validation is not None
    hashes = [whole.train_hash, cut.train_hash, cut.validation.hash]
    assert len(set(hashes)) == 3
    assert all(re.fullmatch("[0-9a-f]{16,64}", text) for text in hashes)
    assert (whole.train_hash == fingerprint) == fingerprint.startswith("0")


def test_keys_of_data_that_are_hashed_have_not_changed_with_the_version() -> None:
    """Everything in stores and on leaderboards has these keys."""
    digits = [Dataset.open("digits", {}, Path("nowhere"), cut).train_hash for cut in (0.0, 0.1)]
    assert digits == [
        "47234a8f316c104483c1ca216ad594d398c5cdc4",
        "043f9d74ae75207ab5a4549cd4bc230f7964efe9",
    ]
