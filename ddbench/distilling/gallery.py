"""A picture of a distilled set, in pixel space."""

from __future__ import annotations

from ..data.input_space import InputSpace
from ..figures import new_figure, png
from .distilled_set import DistilledSet

MAX_CLASSES = 20
MAX_COLUMNS = 10


def gallery_png(distilled: DistilledSet, space: InputSpace, title: str) -> bytes:
    """A grid with one row per class, brought back from the input space, as a PNG file.

    Shows at most 20 classes and 10 images of each.
    """
    classes = min(distilled.classes, MAX_CLASSES)
    counts = distilled.class_counts
    shown = min(int(counts[:classes].max()), MAX_COLUMNS)
    # One image per class would be a long thin column: then classes run along the rows instead.
    columns, rows = (shown, classes) if shown > 1 else (min(classes, 10), -(-classes // 10))
    figure = new_figure(1.05 * columns + 1.6, 1.12 * rows + 0.6)
    figure.suptitle(title, fontsize=9)
    axes = figure.subplots(rows, columns, squeeze=False)
    for axis in axes.flat:
        axis.set_axis_off()
    for class_id in range(classes):
        chosen = distilled.images[distilled.labels == class_id][:shown]
        pixels = space.inverse(chosen.to(space.mean.device)).cpu().permute(0, 2, 3, 1).numpy()
        for number, image in enumerate(pixels):
            row, column = (class_id, number) if shown > 1 else divmod(class_id, columns)
            axis = axes[row, column]
            # What is neither grey nor colour has no colours to be shown in: its mean is grey.
            seen = image if image.shape[2] == 3 else image.mean(axis=2)
            axis.imshow(seen, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            if number == 0:
                axis.set_title(distilled.class_names[class_id], fontsize=8, loc="left")
    return png(figure)
