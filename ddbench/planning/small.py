"""A method's step at a small size, measured because the whole step may take too long."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..data.sources.random_pixels import RandomPixels
from ..distilling.task import TaskSpec
from ..errors import UserError
from ..plugins.settings import StepCost
from ..runs.request import RunRequest
from ..training.lab import LabSpec
from .data_shape import DataShape

MOST_IMAGES = 128
"""The most distilled images with which a step is measured."""
FEW_STEPS = (2, 4)
"""Values of settings whose cost is `StepCost.steps`."""
FEW_REPEATS = (2, 8, 32)
"""Values of settings whose cost is `StepCost.repeats`; the first that the method accepts."""
REAL_IMAGES_PER_CLASS, REAL_IMAGES = 256, 1024
"""The fewest real images, per class and in all, so that batches of real images are full."""


@dataclass(frozen=True)
class SmallSize:
    """A size at which a step is measured.

    Args:
        classes: number of classes.
        ipc: images per class.
        steps: value of the settings whose cost is `StepCost.steps`; None: unchanged.
    """

    classes: int
    ipc: int
    steps: int | None = None

    @property
    def images(self) -> int:
        """The number of distilled images."""
        return self.classes * self.ipc


def settings_of_cost(settings: Any, cost: StepCost) -> dict[str, int]:
    """The values of the settings that affect a step's cost in one way."""
    return {
        item.name: getattr(settings, item.name)
        for item in dataclasses.fields(settings)
        if item.metadata.get("cost") is cost
    }


def most_images_at_once(settings: Any) -> float:
    """The most distilled images that a step holds at once; infinity if nothing limits them.

    This is the largest of its mini-batches and chunks, since another part of the step may hold a
    mini-batch while a chunk is in a network. A 0 means one chunk of all images, of which a
    network sees no more at once than the other limits allow.
    """
    limits = settings_of_cost(settings, StepCost.batch) | settings_of_cost(settings, StepCost.chunk)
    return max((value for value in limits.values() if value), default=math.inf)


def small_sizes(settings: Any, shape: DataShape, ipc: int) -> list[SmallSize]:
    """The sizes from which the cost of the whole step is predicted.

    They are two numbers of classes, then perhaps fewer images per class, then perhaps more steps. A
    prediction is exact if the second is as large as what a step holds at once.
    """
    limit = most_images_at_once(settings)
    most = min(limit, MOST_IMAGES)
    few = min(ipc, max(1, int(most) // 2))
    second = min(shape.classes, max(3, math.ceil(most / few)))
    first = max(2, second // 2)
    unrolled = settings_of_cost(settings, StepCost.steps)
    steps = FEW_STEPS if unrolled and min(unrolled.values()) > FEW_STEPS[1] else None
    base = steps[0] if steps else None
    sizes = [SmallSize(first, few, base)]
    if second > first:
        sizes.append(SmallSize(second, few, base))
    if few < ipc and few > 1:
        sizes.append(SmallSize(first, few // 2, base))
    if steps:
        sizes.append(SmallSize(second, few, steps[1]))
    return sizes


def small_settings(settings: Any, steps: int | None) -> Any:
    """The settings with few repetitions, as far as they allow it.

    Args:
        settings: the method's settings.
        steps: value of those whose cost is `StepCost.steps`; None: unchanged.
    """
    if steps is not None:
        unrolled = settings_of_cost(settings, StepCost.steps)
        settings = replace(settings, **dict.fromkeys(unrolled, steps))
    for name, value in settings_of_cost(settings, StepCost.repeats).items():
        for fewer in FEW_REPEATS:
            if fewer >= value:
                break
            with suppress(UserError):
                settings = replace(settings, **{name: fewer})
                break
    return settings


def small_request(
    request: RunRequest, shape: DataShape, size: SmallSize, folder: Path
) -> RunRequest:
    """The same method on a few random images of the same shape.

    Args:
        request: the request of the whole run.
        shape: the shape of its data.
        size: the small size.
        folder: the folder for the networks that it needs.
    """
    images = max(size.ipc, REAL_IMAGES_PER_CLASS, math.ceil(REAL_IMAGES / size.classes))
    pixels = RandomPixels.Settings(
        resolution=shape.resolution,
        channels=shape.channels,
        classes=size.classes,
        images=min(images, max(size.ipc, *shape.class_counts)),
    )
    lab = LabSpec("random_pixels", request.task.model, "normalised", pixels.plain())
    settings = small_settings(request.method.settings, size.steps)
    return replace(
        request,
        method=replace(request.method, settings=settings),
        task=TaskSpec(lab, size.ipc),
        control=None,
        runs_root=folder,
    )


def small_shape(request: RunRequest) -> DataShape:
    """The shape of a small request's data."""
    given = request.task.lab.dataset_settings
    counts = (given["images"],) * given["classes"]
    return DataShape(given["channels"], given["resolution"], counts, 1)


def extrapolated(
    measured: dict[SmallSize, float], settings: Any, shape: DataShape, ipc: int
) -> float:
    """The bytes of tensors in the whole step, extrapolated from small ones.

    Bytes are linear in the number of classes, in the images per class (with a slope that is itself
    linear in the classes), and in the steps; they stop growing when a step holds as many images as
    it ever holds at once.

    Args:
        measured: bytes at each of `small_sizes`.
        settings: the method's settings.
        shape: the shape of the data.
        ipc: images per class of the whole.
    """
    sizes = list(measured)
    first = sizes[0]
    by_classes = next((s for s in sizes[1:] if s.classes != first.classes), None)
    fewer = next((s for s in sizes[1:] if s.ipc != first.ipc), None)
    longer = next((s for s in sizes[1:] if s.steps != first.steps), None)
    whole = measured[by_classes or first]
    held = (by_classes or first).images
    per_image = 0.0  # of one more image by one more class
    if by_classes is not None:
        more = by_classes.images - first.images
        per_image = max(0.0, measured[by_classes] - measured[first]) / more
    limit = most_images_at_once(settings)
    if math.isfinite(limit):
        whole += per_image * max(0.0, min(limit, shape.classes * ipc) - min(limit, held))
    else:
        classes = (by_classes or first).classes
        whole += per_image * (shape.classes - classes) * first.ipc
        if fewer is not None:
            per_ipc = max(0.0, measured[first] - measured[fewer]) / (first.ipc - fewer.ipc)
            per_ipc += per_image * (shape.classes - first.classes)
            whole += per_ipc * (ipc - first.ipc)
    if longer is not None:
        assert longer.steps is not None
        assert first.steps is not None
        steps = max(settings_of_cost(settings, StepCost.steps).values())
        shorter = measured[by_classes or first]
        per_step = max(0.0, measured[longer] - shorter) / (longer.steps - first.steps)
        whole += per_step * (steps - first.steps)
    return whole


def chunks_to_try(settings: Any, images: int) -> Iterator[Any]:
    """The settings with ever smaller chunks, each half the one before; unchanged first."""
    yield settings
    chunks = settings_of_cost(settings, StepCost.chunk)
    if not chunks:
        return
    value = min(value or images for value in chunks.values())
    while value > 1:
        value //= 2
        yield replace(settings, **dict.fromkeys(chunks, value))
