"""Some of a dataset's classes: the same data whether given by name, WordNet id or list."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddbench.data.dataset import Dataset
from ddbench.data.named_classes import CLASS_LISTS, class_ids
from ddbench.data.registry import DATASETS
from ddbench.data.source import DatasetSettings
from ddbench.errors import UserError
from ddbench.runs.compose import request_of

TAKING = [
    name
    for name in DATASETS
    if DATASETS[name].Settings.__dataclass_fields__["classes"]
    is DatasetSettings.__dataclass_fields__["classes"]
]


def digits(classes: Any) -> Dataset:
    return Dataset.open("digits", {"classes": classes}, Path())


def test_images_of_other_classes_are_left_out_of_both_splits() -> None:
    whole, part = Dataset.open("digits", {}, Path()), digits(["7", "3"])
    assert part.class_names == ("3", "7")
    assert not part.is_whole
    chosen = np.isin(whole.train.labels, [3, 7])
    assert np.array_equal(part.train.images, whole.train.images[chosen])
    assert np.array_equal(part.train.labels, whole.train.labels[chosen] == 7)
    with part.scoring(), whole.scoring():
        assert len(part.test) == int(np.isin(whole.test.labels, [3, 7]).sum())
        assert abs(len(part.test) - part.test_size) <= 2


def test_the_order_in_which_classes_are_named_makes_no_other_data(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("7\n\n 3\n")
    hashes = {
        digits(said).train_hash for said in (["7", "3"], ["3", "7"], [3, 7], f"{tmp_path}/list.txt")
    }
    assert len(hashes) == 1
    assert digits(["3", "8"]).train_hash not in hashes


@pytest.mark.parametrize("name", TAKING)
def test_all_classes_are_in_no_key(name: str) -> None:
    assert "classes" not in DATASETS[name].Settings().plain()


@pytest.mark.parametrize("name", CLASS_LISTS)
def test_a_list_has_ten_classes_which_tiny_imagenet_lacks_in_part(name: str) -> None:
    assert len({*CLASS_LISTS[name]}) == 10
    wnids = DATASETS["tinyimagenet"].wnids
    assert wnids is not None
    with pytest.raises(UserError, match=rf"classes={name}: it has no class n\d{{8}}"):
        class_ids(name, "it", wnids, wnids)


@pytest.mark.parametrize("name", CLASS_LISTS)
def test_a_list_chooses_by_wordnet_ids(name: str) -> None:
    wnids = tuple(sorted({*CLASS_LISTS["imagenette"], *CLASS_LISTS["imagewoof"]}))
    names = tuple(f"thing {number}" for number in range(20))
    ids = class_ids(name, "it", names, wnids)
    assert [wnids[number] for number in ids] == sorted(CLASS_LISTS[name])
    assert class_ids([f"thing {ids[0]}", wnids[ids[1]]], "it", names, wnids) == ids[:2]


def test_a_file_names_classes_by_the_first_word_of_a_line_of_wordnet_ids(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("n01440764 tench\nAfrican elephant\n")
    settings = DatasetSettings(classes=str(tmp_path / "list.txt"))
    assert settings.plain() == {"classes": ["n01440764", "African elephant"]}


def test_settings_of_the_command_line_reach_the_dataset() -> None:
    request = request_of(["dataset=digits", "dataset.classes=[3,7]", "device=cpu"])
    assert request.task.lab.dataset_settings == {"classes": ["3", "7"]}


@pytest.mark.parametrize(
    ("classes", "told"),
    [
        (["3", "seven"], "the dataset digits has no class 'seven'; it has 0, 1 and others"),
        (["3"], "expected at least 2 classes"),
        (["3", "3"], "'3' is named twice"),
        ("imagenette", "classes=imagenette: the dataset digits has no class n01440764"),
        ("imagenete", "no such file, and no list of this name; known: imagenette, imagewoof"),
        (3, "expected a list of names"),
        ("/", "classes: '/' cannot be read"),
    ],
)
def test_wrong_classes_are_one_line(classes: Any, told: str) -> None:
    with pytest.raises(UserError) as error:
        digits(classes)
    assert told in str(error.value)
    assert "\n" not in str(error.value)
