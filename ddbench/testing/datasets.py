"""What every dataset promises, checked as far as its files are on this machine."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..data.dataset import Dataset
from ..data.registry import DATASETS
from ..data.source import DatasetSource, Split
from ..errors import UserError
from ..runs.execute import execute
from ..runtime.folders import data_root
from .common import common_checks, tiny_request
from .promise import Check, NotApplicable, require

SPLITS: tuple[Split, ...] = ("train", "test")


def _source(name: str, root: Path) -> DatasetSource:
    plugin = DATASETS[name]
    return plugin(plugin.Settings(), root)


def _with_files(name: str) -> DatasetSource:
    """The dataset, if its files are here."""
    source = _source(name, data_root(None))
    try:
        source.check()
    except UserError as error:
        raise NotApplicable(f"its files are not here: {error}") from error
    return source


def facts_are_known_without_files(name: str, folder: Path) -> None:
    """The class has class names, and statistics for every channel or none."""
    plugin = DATASETS[name]
    names = plugin.class_names
    require(len(set(names)) == len(names) > 1, "class_names must be different, and more than one")
    require(DATASETS.summary(name), "it has no first line of documentation")
    for statistics in (plugin.mean, plugin.std):
        require(
            statistics is None or len(statistics) == plugin.channels,
            f"mean and std need {plugin.channels} numbers, one for each channel",
        )


def missing_files_are_one_line(name: str, folder: Path) -> None:
    """`check` passes in an empty folder, or says what is missing."""
    (folder / "empty").mkdir(exist_ok=True)
    try:
        _source(name, folder / "empty").check()
    except UserError as error:
        require(str(error).strip(), "check says nothing")


def what_is_loaded_is_what_is_documented(name: str, folder: Path) -> None:
    """Types, shapes, sizes, classes and the range of pixels are those that the class documents."""
    source = _with_files(name)
    dataset = Dataset(name, source)  # rejects in one line what no dataset may return
    with dataset.scoring():
        _ = dataset.test
    for split, size in zip(SPLITS, (source.train_size, source.test_size), strict=True):
        images, labels = source.load(split)
        where = f"the {split} split"
        expected = (size, source.channels, source.resolution, source.resolution)
        require(images.shape == expected, f"images of {where} are {images.shape}, not {expected}")
        require(images.dtype == np.uint8, f"images of {where} are {images.dtype}, not uint8")
        require(labels.dtype == np.int64, f"labels of {where} are {labels.dtype}, not int64")
        require(
            set(labels.tolist()) == set(range(len(source.class_names))),
            f"the labels of {where} are not those of its {len(source.class_names)} classes",
        )
        highest = int(images.max())
        require(highest > 1, f"pixels of {where} reach {highest}, not 255; they are bytes")


def same_pixels_are_loaded_again(name: str, folder: Path) -> None:
    """Two instances give the same training images, whatever the global generator's state."""
    hashes = []
    for number in (1, 2):
        np.random.seed(number)
        hashes.append(Dataset(name, _with_files(name)).train_hash)
    require(hashes[0] == hashes[1], "loaded again, its images or labels are different")


def set_can_be_distilled_and_scored(name: str, folder: Path) -> None:
    """A run that selects one image per class ends with an accuracy."""
    _with_files(name)
    choices = ("method=random", f"dataset={name}", "protocols=[hard]", "model.width=8")
    outcome = execute(tiny_request(folder / name / "runs", *choices), quiet=True)
    accuracy = outcome.record.measurements[0].value
    require(accuracy is not None and 0 <= accuracy <= 1, f"the accuracy is {accuracy}")


CHECKS = (
    *common_checks(DATASETS),
    Check("knows its classes without its files", facts_are_known_without_files, essential=True),
    Check("says in one line which files are missing", missing_files_are_one_line),
    Check("loads what it documents", what_is_loaded_is_what_is_documented, essential=True),
    Check("loads the same pixels again", same_pixels_are_loaded_again),
    Check("can be distilled and scored", set_can_be_distilled_and_scored),
)
