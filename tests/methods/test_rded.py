"""RDED's crops, scores, picks and tiles against a loop, and what it asks of its data."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from agreements import Given
from agreements_recovery import easiest_crop_of_each_image, images_of_crops

from ddbench import Loss, UserError
from ddbench.training.schedule import Schedule

pytestmark = pytest.mark.numerical


def test_easiest_crop_of_each_image_is_that_of_a_loop_over_all_crops(given: Given) -> None:
    easiest_crop_of_each_image(given)


def test_images_are_the_easiest_crops_of_a_seed_in_tiles(given: Given) -> None:
    images_of_crops(given)


def test_easiest_crops_are_all_in_the_upper_left_tile(room: Callable[[str], ModuleType]) -> None:
    crops = torch.arange(8.0).view(8, 1, 1, 1).expand(8, 3, 4, 4)
    images = room("rded").tiled(crops, 2, 8)
    corners = images[:, 0, ::4, ::4].flatten(1)
    assert corners.tolist() == [[0, 2, 4, 6], [1, 3, 5, 7]]


def test_tiles_of_an_odd_side_lose_an_edge(room: Callable[[str], ModuleType]) -> None:
    crops = torch.arange(4.0).view(4, 1, 1, 1).expand(4, 1, 4, 4)
    image = room("rded").tiled(crops, 2, 7)[0, 0]
    assert image[3:5].tolist() == [[0, 0, 0, 0, 1, 1, 1], [2, 2, 2, 2, 3, 3, 3]]


def test_large_images_are_made_of_four_crops(given: Given) -> None:
    with given.begun("rded") as method:
        assert method.factor == 1
        assert method.images.shape == (10, 1, 8, 8)
    large = "dataset=random_pixels", "dataset.resolution=128", "dataset.classes=2"
    few = "dataset.images=30", "method.teacher_epochs=1", "method.teacher_epoch_steps=1"
    with given.begun("rded", *large, *few) as method:
        assert method.factor == 2


def test_groups_take_other_crops_of_one_order(given: Given) -> None:
    sets = []
    for words in (["ipc=4"], ["ipc=2"], ["ipc=2", "group=1"]):
        with given.begun("rded", *words) as method:
            sets.append(method.images.unflatten(0, (10, -1)))
    assert torch.equal(torch.cat(sets[1:], 1), sets[0])


def test_class_with_fewer_images_than_candidates_gives_all(given: Given) -> None:
    with given.begun("rded", "method.candidates=100000", "method.crops=1") as method:
        counts = sum(len(method.task.class_indices(c)) for c in range(10))
        assert method.image_passes().distilling == counts / 2


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["ipc=3", "method.candidates=2"], "class 0 needs 3 crops.* but candidates=2"),
        (
            ["ipc=60", "method.factor=2", "method.candidates=999"],
            "needs 240 crops.* it has 1.. images",
        ),
    ],
)
def test_too_few_candidates_are_refused_in_one_line(
    given: Given, words: list[str], why: str
) -> None:
    with pytest.raises(UserError, match=why):
        given.begun("rded", *words).__enter__()


def test_students_are_trained_as_published(given: Given) -> None:
    with given.begun("rded", "ipc=1", "method.student_batch=50") as method:
        distilled = method.finish()
        assert distilled.labeller == method.pool.reference(0)
    recipe = distilled.evaluation
    assert recipe.loss is Loss.kl
    assert recipe.temperature == 20
    assert recipe.batch_size == 10  # all images, where they are fewer
    assert recipe.schedule is Schedule.half_cosine
    assert recipe.cutmix == 1
    assert not recipe.augment  # digits have no mirror images
