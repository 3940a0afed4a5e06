"""Runs every method at default settings on five folders of real images that have no recipe.

usage: python tests/methods/unseen_data.py FOLDER > docs/unseen_data.md

Pictures and runs are kept in FOLDER, so that a stopped program continues when it is called again.
CIFAR-100 and Tiny ImageNet, or a part of it, are below DDBENCH_DATA.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from unseen_folders import TEST, TRAIN, Folder, make_folders

from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.registry import METHODS
from ddbench.errors import UserError
from ddbench.leaderboard.markdown_text import table
from ddbench.records.record import Record
from ddbench.records.statistics import half_width, percentage
from ddbench.runs.compose import request_of
from ddbench.runs.execute import execute

FAR = 10.0
"""An absolute value of a pixel in normalised space that no real image comes near."""
HEAD = ["method", "updates", "loss, first", "last", "largest pixel", "hard/1 %", "- Random"]
ABOUT = """\
# Default settings on data without a recipe

Every method at its default settings (`budget=short`, ipc 1, seed 0, the narrow ConvNet) on five
small folders of real images that no recipe knows, read by `dataset=image_folder`: at most {train}
training and {test} test images per class. The largest pixel is the largest absolute value of the
distilled images, in standard deviations of the folder's pixels; `random` says how large it is in
real images. The loss is the method's own, so losses of two methods do not compare. Accuracy is
that of three evaluation networks of one set, and the difference to Random's has its 95% t interval
over them; one seed and so few images rank no method. Some methods are far from finished after so
few updates: `dc` begins with noise, and has made 10. Made by
`python tests/methods/unseen_data.py FOLDER > docs/unseen_data.md`.
"""


@dataclass(frozen=True)
class Ran:
    """The outcome of a method on a folder.

    Args:
        method: the method's name.
        record: its record; None if it stopped.
        largest: the largest absolute value of a pixel, in the input space.
        why: why it stopped.
    """

    method: str
    record: Record | None = None
    largest: float = 0.0
    why: str = ""


def overrides(method: str, folder: Folder, root: Path) -> list[str]:
    """The words of a run: the data, and no setting of the method."""
    return [
        f"method={method}",
        "dataset=image_folder",
        f"dataset.path={folder.path}",
        f"dataset.resolution={folder.resolution}",
        "ipc=1",
        "model=narrow",
        "protocols=[hard]",
        f"runs_root={root / 'runs'}",
        f"data_root={root / 'data'}",
        "device=cpu",
        "threads=1",
    ]


def ran(method: str, folder: Folder, root: Path) -> Ran:
    """Run a method on a folder, or find it done."""
    try:
        outcome = execute(request_of(overrides(method, folder, root)), quiet=True)
    except (UserError, FloatingPointError) as error:
        return Ran(method, why=str(error))
    images = DistilledSet.load(outcome.folder / "distilled.safetensors").images
    return Ran(method, outcome.record, float(images.abs().max()))


def row(run: Ran) -> list[str]:
    """A run's row of the table of its folder."""
    if run.record is None:
        return [run.method, f"stopped: {run.why}", *[""] * (len(HEAD) - 2)]
    losses = [point["loss"] for point in run.record.curve]
    return [
        run.method,
        str(run.record.steps),
        *([f"{losses[0]:.3g}", f"{losses[-1]:.3g}"] if losses else ["", ""]),
        f"{run.largest:.1f}",
        accuracy(run.record, "accuracy"),
        accuracy(run.record, "accuracy_difference"),
    ]


def accuracy(record: Record, metric: str) -> str:
    """The set's accuracy, or its difference from the control's, in %; empty if there is none."""
    for found in record.measurements:
        subject = found.coordinates.get("subject")
        if found.metric == metric and subject == record.method.name:
            return percentage(found.value, half_width(found.values), metric != "accuracy")
    return ""


def main() -> None:
    """Print the page."""
    root = Path(sys.argv[1]).absolute()
    every: list[Ran] = []
    torch.set_num_threads(1)
    print(ABOUT.format(train=TRAIN, test=TEST), end="")
    for folder in make_folders(root / "folders", Path(os.environ["DDBENCH_DATA"])):
        print(f"\n## {folder.about}, {folder.resolution}x{folder.resolution}\n")
        runs = [ran(name, folder, root) for name in METHODS.names()]
        print(table([row(run) for run in runs], HEAD), flush=True)
        every += runs
    stopped, far = sum(run.record is None for run in every), sum(run.largest > FAR for run in every)
    print(f"\nOf {len(every)} runs {stopped} stopped, and {far} ended with a pixel beyond {FAR:g}.")


if __name__ == "__main__":
    main()
