"""Runs every method at default settings on five folders of real images that have no recipe.

usage: python tests/methods/unseen_data.py FOLDER > docs/unseen_data.md

Pictures and runs are kept in FOLDER, so that a stopped program goes on when it is called again.
CIFAR-100 and Tiny ImageNet, or a part of it, lie below DDBENCH_DATA.
"""

from __future__ import annotations

import os
import sys
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
over them; one seed and so few images rank no method. Made by
`python tests/methods/unseen_data.py FOLDER > docs/unseen_data.md`.
"""


def overrides(method: str, folder: Folder, root: Path) -> list[str]:
    """What is asked for: the data, and nothing of the method."""
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


def row(method: str, folder: Folder, root: Path) -> list[str]:
    """A method's row of the table of a folder."""
    try:
        outcome = execute(request_of(overrides(method, folder, root)), quiet=True)
    except (UserError, FloatingPointError) as error:
        return [method, f"stopped: {error}", *[""] * (len(HEAD) - 2)]
    images = DistilledSet.load(outcome.folder / "distilled.safetensors").images
    record, losses = outcome.record, [point["loss"] for point in outcome.record.curve]
    first, last = (f"{losses[0]:.3g}", f"{losses[-1]:.3g}") if losses else ("", "")
    largest = float(images.abs().max())
    return [
        method,
        str(record.steps),
        first,
        last,
        f"{largest:.1f}{' (far)' if largest > FAR else ''}",
        accuracy(record, "accuracy"),
        accuracy(record, "accuracy_difference"),
    ]


def accuracy(record: Record, metric: str) -> str:
    """The set's accuracy, or what it is above the control's, in %; nothing where there is none."""
    for found in record.measurements:
        subject = found.coordinates.get("subject")
        if found.metric == metric and subject == record.method.name:
            return percentage(found.value, half_width(found.values), metric != "accuracy")
    return ""


def main() -> None:
    """Print the page."""
    root = Path(sys.argv[1]).absolute()
    torch.set_num_threads(1)
    print(ABOUT.format(train=TRAIN, test=TEST), end="")
    for folder in make_folders(root / "folders", Path(os.environ["DDBENCH_DATA"])):
        print(f"\n## {folder.about}, {folder.resolution}x{folder.resolution}\n")
        print(table([row(name, folder, root) for name in METHODS.names()], HEAD), flush=True)


if __name__ == "__main__":
    main()
