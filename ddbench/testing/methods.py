"""What every method promises, checked at the smallest settings of its smoke budget."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch

from ..data.dataset import Dataset, TestSplitLocked
from ..data.registry import DATASETS
from ..distilling.distilled_set import DistilledSet
from ..distilling.method import ImagePasses
from ..distilling.registry import METHODS
from ..distilling.task import Task
from ..errors import StopRequested
from ..records.record import Record
from ..runs import record_scores as scorer
from ..runs.evaluate_all import finished_run
from ..runs.execute import execute, opened
from ..training.lab import Lab
from .common import common_checks
from .method_runs import made, method_request, possible_task
from .promise import Check, NotApplicable, require
from .resumption import (
    killed_run_ends_bit_for_bit,
    run_stopped_in_a_step_ends_bit_for_bit,
    saved_state_continues_in_a_fresh_instance,
    state_is_plain,
)

LEFT_BY_A_RUN = {"config.yaml", "record.json", "distilled.safetensors", "gallery.png", "log.txt"}
CLASSES, IMAGE_SHAPE = 10, (1, 8, 8)
"""Of the dataset digits."""
TRAINING_COUNTS = (40, 24, 14, 9, 5, 3, 2, 1, 1, 1)
"""Training images of each class in long-tailed digits."""
ASKED_COUNTS = (10, 6, 4, 2, 1, 1, 1, 1, 1, 1)
"""Images of each class that `ratio=0.25` asks for."""


def skip_says_nothing_or_why(name: str, folder: Path) -> None:
    """`skip` returns None or a reason."""
    request = method_request(name, folder / name / "asked")
    with opened(request, quiet=True) as (lab, _):
        reason = METHODS[name].skip(Task(request.task, lab))
    require(
        reason is None or (isinstance(reason, str) and reason),
        f"skip returns {reason!r}, neither None nor a reason",
    )


def work_is_counted(name: str, folder: Path) -> None:
    """`total_steps` is a count, and `image_passes` gives two amounts, or None."""
    request = method_request(name, folder / name / "asked")
    with possible_task(request) as task:
        method = METHODS[name](task, request.method.settings)
        steps, passes = method.total_steps, method.image_passes()
    require(type(steps) is int and steps >= 0, f"total_steps is {steps!r}, no count")
    if passes is None:
        return
    require(isinstance(passes, ImagePasses), f"image_passes returns {passes!r}")
    amounts = (passes.training, passes.distilling)
    require(all(0 <= one < math.inf for one in amounts), f"image_passes returns {passes!r}")


def never_reads_the_test_split(name: str, folder: Path) -> None:
    """`begin`, the steps and `finish` never ask for the test split; refused requests count, too."""
    reads: list[str] = []
    source, dataset = DATASETS["digits"], Dataset.test
    load = source.load

    def noted_load(self: Any, split: Any) -> Any:
        reads.append(split)
        return load(self, split)

    def noted_test(self: Dataset) -> Any:
        reads.append("test")
        return dataset.__get__(self)

    request = method_request(name, folder / name / "reads")
    with (
        patch.object(source, "load", noted_load),
        patch.object(Dataset, "test", property(noted_test)),
    ):
        try:
            made(request)
        except (NotApplicable, StopRequested):
            raise
        except Exception as error:
            # Any other error is reported by the first promise that it breaks.
            if "test" not in reads:
                raise NotApplicable("it makes no set") from error
    require("test" not in reads, "it reads the test split while it distils")


def ipc_finite_images_are_made(name: str, folder: Path) -> None:
    """A smoke run ends with `ipc` finite images per class and an accuracy."""
    for ipc in (1, 2):
        store = folder / name / f"ipc{ipc}"
        counts = (ipc,) * CLASSES
        _check_images(DistilledSet.load(made(method_request(name, store, f"ipc={ipc}"))), counts)
        outcome = execute(method_request(name, store, f"ipc={ipc}", "protocols=[hard]"), quiet=True)
        distilled = DistilledSet.load(outcome.folder / "distilled.safetensors")
        _check_images(distilled, counts)
        require(
            distilled.provenance["method"] == name,
            f"the set says that {distilled.provenance['method']} made it",
        )
        left = {path.name for path in outcome.folder.iterdir()}
        require(left == LEFT_BY_A_RUN, f"the run leaves {sorted(left)}")
        checkpoints = list(store.glob("artefacts/*/*.checkpoint"))
        require(not checkpoints, f"the run leaves {checkpoints}")
        accuracy = Record.load(outcome.folder / "record.json").measurements[0].value
        require(accuracy is not None and 0 <= accuracy <= 1, f"its accuracy is {accuracy}")


def class_counts_are_followed(name: str, folder: Path) -> None:
    """From long-tailed data it makes the number of images asked for in each class."""

    def cut(lab: Lab) -> None:
        train = lab.dataset.train
        kept = torch.zeros(len(train), dtype=torch.bool)
        for c, count in enumerate(TRAINING_COUNTS):
            kept[train.class_indices(c)[:count]] = True
        lab.dataset.train = train.subset(kept)

    asked = f"ipc=[{','.join(map(str, ASKED_COUNTS))}]"
    file = made(method_request(name, folder / name / "long-tailed", asked), cut)
    _check_images(DistilledSet.load(file), ASKED_COUNTS)


def _check_images(distilled: DistilledSet, asked: tuple[int, ...]) -> None:
    """Check shape, dtype, finiteness and number of digits: `asked` images of each class."""
    images, labels = distilled.images, distilled.labels
    expected = (sum(asked), *IMAGE_SHAPE)
    require(images.shape == expected, f"images have shape {tuple(images.shape)}, not {expected}")
    require(images.dtype == torch.float32, f"images are {images.dtype}, not float32")
    require(labels.dtype == torch.int64, f"labels are {labels.dtype}, not int64")
    counts = torch.bincount(labels, minlength=CLASSES).tolist()
    require(counts == list(asked), f"it makes {counts} images of the classes, not {list(asked)}")
    require(torch.isfinite(images).all(), "images hold values that are not finite")


def same_request_gives_the_same_bytes(name: str, folder: Path) -> None:
    """Two runs from scratch give the same file, whatever the global generators' states."""
    results = []
    for number in (1, 2):
        torch.manual_seed(number)
        np.random.seed(number)
        random.seed(number)
        results.append(made(method_request(name, folder / name / f"same{number}")).read_bytes())
    require(results[0] == results[1], "two runs of one request give different sets")


def found_networks_give_the_same_bytes(name: str, folder: Path) -> None:
    """Teachers that are read from the store lead to the same set as those just trained."""
    request = method_request(name, folder / name / "found")
    first = made(request).read_bytes()
    for path in folder.glob(f"{name}/found/artefacts/distilled/*"):
        path.unlink()
    again = made(request).read_bytes()
    require(again == first, "with its networks in the store it makes another set")


def loads_the_test_split_to_score_it(name: str, folder: Path) -> None:
    """The test split is locked while distilling and loaded once scoring has begun."""
    events: list[str] = []
    source = DATASETS["digits"]
    load, ready = source.load, finished_run

    def noted_load(self: Any, split: Any) -> Any:
        events.append(split)
        return load(self, split)

    def noted_scoring(*arguments: Any, **named: Any) -> Any:
        events.append("scoring")
        return ready(*arguments, **named)

    def check_locked(lab: Lab) -> None:
        try:
            _ = lab.dataset.test
        except TestSplitLocked:
            return
        require(False, "the test split is open while it distils")

    with (
        patch.object(source, "load", noted_load),
        patch.object(scorer, "finished_run", noted_scoring),
    ):
        made(method_request(name, folder / name / "scored"), check_locked)
        execute(method_request(name, folder / name / "scored", "protocols=[hard]"), quiet=True)
    require(
        events == ["train", "train", "scoring", "test"],
        f"splits are loaded in the order {', '.join(events)}",
    )


CHECKS = (
    *common_checks(METHODS),
    Check("skips a task with a reason or not at all", skip_says_nothing_or_why, essential=True),
    Check("counts its steps and its work", work_is_counted),
    Check("never reads the test split while it distils", never_reads_the_test_split),
    Check("makes ipc finite images of each class", ipc_finite_images_are_made, essential=True),
    Check(
        "makes the numbers of images that long-tailed classes are asked for, or skips",
        class_counts_are_followed,
    ),
    Check(
        "gives the same bytes again whatever the global generators hold",
        same_request_gives_the_same_bytes,
    ),
    Check(
        "gives the same bytes with found networks as with trained ones",
        found_networks_give_the_same_bytes,
    ),
    Check("keeps only tensors, numbers and strings in its state", state_is_plain),
    Check(
        "continues from its state in a fresh instance with the same bytes",
        saved_state_continues_in_a_fresh_instance,
    ),
    Check("killed while distilling, ends with the same bytes", killed_run_ends_bit_for_bit),
    Check(
        "stopped in the middle of a step, ends with the same bytes",
        run_stopped_in_a_step_ends_bit_for_bit,
    ),
    Check("leaves the test split untouched until it is scored", loads_the_test_split_to_score_it),
)
