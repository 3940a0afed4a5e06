"""A picture of a distilled set, in pixel space."""

from __future__ import annotations

from ..data.input_space import InputSpace
from ..figures import new_figure, png
from .distilled_set import DistilledSet

MAX_CLASSES = 20
MAX_COLUMNS = 10
LONGEST = 14
"""Letters of a name above a single image; a name above a row of several has more room."""
IMAGE, GAP, NAME, TITLE, LEAST_WIDTH = 1.0, 0.1, 0.2, 0.35, 3.5  # inches


def gallery_png(distilled: DistilledSet, space: InputSpace, title: str) -> bytes:
    """A PNG file with one row per class, converted back from the input space.

    It shows at most 20 classes and 10 images of each.
    """
    classes = min(distilled.classes, MAX_CLASSES)
    counts = distilled.class_counts
    shown = min(int(counts[:classes].max()), MAX_COLUMNS)
    # One image per class would give a long thin column, so classes are laid out along rows.
    columns, rows = (shown, classes) if shown > 1 else (min(classes, 10), -(-classes // 10))
    width = max(GAP + (IMAGE + GAP) * columns, LEAST_WIDTH)
    height = (IMAGE + NAME) * rows + TITLE + GAP
    figure = new_figure(width, height)
    figure.set_layout_engine(None)
    # All images share one set of axes, in inches: one set per image takes much longer.
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    middle = (width / 2, height - TITLE / 2)
    axes.text(*middle, title, fontsize=9, ha="center", va="center", parse_math=False)
    for class_id in range(classes):
        chosen = distilled.images[distilled.labels == class_id][:shown]
        pixels = space.inverse(chosen.to(space.mean.device)).cpu().permute(0, 2, 3, 1).numpy()
        for number, image in enumerate(pixels):
            row, column = (class_id, number) if shown > 1 else divmod(class_id, columns)
            left = GAP + (IMAGE + GAP) * column
            top = height - TITLE - NAME - (IMAGE + NAME) * row
            # Images that do not have 3 channels are shown in grey, by their mean.
            seen = image if image.shape[2] == 3 else image.mean(axis=2)
            place = (left, left + IMAGE, top - IMAGE, top)
            axes.imshow(seen, "gray", extent=place, vmin=0, vmax=1, interpolation="nearest")
            if number == 0:
                name = distilled.class_names[class_id]
                told = name if shown > 1 or len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
                axes.text(left, top + GAP / 4, told, fontsize=8, parse_math=False)
    axes.set(xlim=(0, width), ylim=(0, height))
    return png(figure)
