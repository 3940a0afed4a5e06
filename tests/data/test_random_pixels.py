"""Random pixels: the shape that was asked for, the same ones every time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ddbench.data.dataset import Dataset
from ddbench.data.registry import DATASETS
from ddbench.data.source import DatasetSource
from ddbench.errors import UserError


def source(**settings: Any) -> DatasetSource:
    plugin = DATASETS["random_pixels"]
    made = plugin(plugin.Settings(**settings), Path())
    made.check()
    return made


def test_shape_is_that_of_the_settings() -> None:
    made = source(resolution=6, channels=2, classes=7, images=23)
    for split, a_class in (("train", 23), ("test", 2)):
        images, labels = made.load(split)  # type: ignore[arg-type]
        assert images.shape == (7 * a_class, 2, 6, 6)
        assert np.bincount(labels).tolist() == [a_class] * 7
    opened = Dataset.open("random_pixels", {"channels": 1, "classes": 7}, Path())
    assert (opened.channels, opened.resolution, opened.classes) == (1, 32, 7)


def test_equal_settings_give_equal_images_and_splits_have_none_in_common() -> None:
    (train, _), (again, _), (test, _) = (source().load(s) for s in ("train", "train", "test"))  # type: ignore[arg-type]
    assert np.array_equal(train, again)
    assert not {image.tobytes() for image in train} & {image.tobytes() for image in test}
    assert train.mean() == pytest.approx(127.5, abs=0.5)


def test_more_than_a_machine_can_hold_is_refused_in_one_line() -> None:
    with pytest.raises(UserError, match="fewer or smaller images") as error:
        source(resolution=1024, classes=100_000, images=1000)
    assert "\n" not in str(error.value)
