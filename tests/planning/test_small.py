"""A step at small sizes, and the straight lines from there to the whole."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from ddbench import MethodSettings, StepCost, UserError, setting
from ddbench.planning.data_shape import DataShape
from ddbench.planning.small import (
    MOST_IMAGES,
    SmallSize,
    chunks_to_try,
    extrapolated,
    most_images_at_once,
    small_settings,
    small_sizes,
)

SHAPE = DataShape(3, 32, (500,) * 100, 1000)


@dataclass
class Plain(MethodSettings):
    """Settings with no known costs."""


@dataclass
class Chunked(MethodSettings):
    """Settings with every kind of cost."""

    batch: int = setting(0, "images", low=0, cost=StepCost.batch)
    chunk: int = setting(20, "images at a time", low=0, cost=StepCost.chunk)
    steps: int = setting(10, "steps", low=1, cost=StepCost.steps)
    repeats: int = setting(50, "epochs", low=1, cost=StepCost.repeats)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.repeats < 5:
            raise UserError("repeats: must be at least 5")


@pytest.mark.parametrize("settings", [Plain(), Chunked(), Chunked(batch=100), Chunked(chunk=0)])
@pytest.mark.parametrize("ipc", [1, 3, 10, 50, 500])
def test_small_sizes_are_no_larger_than_the_whole_and_differ_in_one_thing_each(settings, ipc):
    sizes = small_sizes(settings, SHAPE, ipc)
    for size in sizes:
        assert 2 <= size.classes <= SHAPE.classes
        assert 1 <= size.ipc <= ipc
        assert size.classes == 2 or size.images <= MOST_IMAGES + size.ipc
    changes = [
        sum(a != b for a, b in zip(astuple(one), astuple(sizes[0]), strict=True))
        for one in sizes[1:]
    ]
    assert all(1 <= change <= 2 for change in changes)


def astuple(size):
    return size.classes, size.ipc, size.steps


def test_the_largest_mini_batch_or_chunk_limits_what_a_step_holds():
    assert math.isinf(most_images_at_once(Plain()))
    assert most_images_at_once(Chunked()) == 20
    assert most_images_at_once(Chunked(batch=100)) == 100


def test_repetitions_are_as_few_as_the_method_takes_and_steps_as_asked():
    small = small_settings(Chunked(), 2)
    assert (small.repeats, small.steps, small.chunk) == (8, 2, 20)
    assert small_settings(Chunked(), None).steps == 10


def law(size, by_class_image, by_image, by_step, limit=math.inf):
    """Bytes that follow straight lines exactly."""
    steps = size.steps or 10
    held = min(limit, size.images)
    return 1000 + by_class_image * held + by_image * size.ipc + by_step * steps


@pytest.mark.parametrize("ipc", [1, 10, 50, 400])
@pytest.mark.parametrize(
    ("settings", "laws"),
    [
        (Plain(), {"by_class_image": 7, "by_image": 0, "by_step": 0}),
        (Plain(), {"by_class_image": 0, "by_image": 5, "by_step": 0}),
        (Plain(), {"by_class_image": 3, "by_image": 2, "by_step": 0}),
        (Chunked(batch=300), {"by_class_image": 4, "by_image": 0, "by_step": 9, "limit": 300}),
        (Chunked(), {"by_class_image": 4, "by_image": 0, "by_step": 0, "limit": 20}),
    ],
)
def test_what_follows_straight_lines_is_predicted_exactly(settings, laws, ipc):
    measured = {size: law(size, **laws) for size in small_sizes(settings, SHAPE, ipc)}
    steps = settings.steps if isinstance(settings, Chunked) else None
    whole = law(SmallSize(SHAPE.classes, ipc, steps), **laws)
    if laws["by_image"] and ipc == 1:
        pytest.skip("one image per class is not told from none")
    assert extrapolated(measured, settings, SHAPE, ipc) == pytest.approx(whole)


def test_chunks_are_halved_down_to_one_image():
    assert [one.chunk for one in chunks_to_try(Chunked(chunk=20), 1000)] == [20, 10, 5, 2, 1]
    assert [one.chunk for one in chunks_to_try(Chunked(chunk=0), 4)] == [0, 2, 1]
    assert list(chunks_to_try(Plain(), 1000)) == [Plain()]
