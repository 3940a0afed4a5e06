"""What a method may draw from its task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ddbench.distilling.loop import distil
from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.errors import UserError
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest
from ddbench.training.lab import Lab


@pytest.fixture
def lab_and_request(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> Iterator[tuple[Lab, RunRequest]]:
    request = tiny(tmp_path, "method=random", "ipc=3")
    with opened(request, quiet=True) as (lab, _):
        yield lab, request


UNEVEN = (7, 1, 3, 2, 1, 5, 1, 1, 2, 1)


@pytest.fixture
def task_with(lab_and_request: tuple[Lab, RunRequest]) -> Callable[..., Task]:
    lab, request = lab_and_request

    def make(**changes: Any) -> Task:
        return Task(replace(request.task, **changes), lab)

    return make


def rows(images: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in images}


def test_sample_of_a_class_is_without_replacement_while_images_last(
    task_with: Callable[..., Task],
) -> None:
    task = task_with()
    known = rows(task.real.images(task.class_indices(4)))
    sample = task.sample_class(4, 20, task.generator("here", 0))
    assert sample.shape == (20, *task.image_shape)
    assert rows(sample) <= known
    assert len(rows(sample)) == 20
    assert torch.equal(sample, task.sample_class(4, 20, task.generator("here", 0)))
    assert not torch.equal(sample, task.sample_class(4, 20, task.generator("here", 1)))
    count = len(task.class_indices(4))
    assert len(task.sample_class(4, count + 5, task.generator("here", 0))) == count + 5


def test_subset_has_ipc_images_of_each_class_in_the_order_of_the_labels(
    task_with: Callable[..., Task],
) -> None:
    task = task_with()
    chosen = task.real_subset()
    _, labels = task.real.batch(chosen)
    assert torch.equal(labels, task.class_ids())
    assert len(set(chosen.tolist())) == 30


def test_larger_subset_contains_the_smaller_and_groups_are_disjoint(
    task_with: Callable[..., Task],
) -> None:
    small, large = (set(task_with(ipc=ipc).real_subset().tolist()) for ipc in (3, 7))
    assert small < large
    groups = [set(task_with(group=group).real_subset().tolist()) for group in range(3)]
    assert len(set.union(*groups)) == 90


def test_streams_differ_by_use_index_seed_and_group(task_with: Callable[..., Task]) -> None:
    task = task_with()
    seeds = [
        task.stream("a").seed,
        task.stream("b").seed,
        task.stream("a", 1).seed,
        task_with(seed=1).stream("a").seed,
        task_with(group=1).stream("a").seed,
    ]
    assert len(set(seeds)) == 5


def test_ipc_beyond_the_smallest_class_is_refused(task_with: Callable[..., Task]) -> None:
    smallest = r"ipc=200: digits has only 139 training images of the class '8', and 9 other classes"
    with pytest.raises(UserError, match=smallest):
        task_with(ipc=200)
    with pytest.raises(UserError, match=r"ipc=140: .* of the class '8', and 1 other|'8';"):
        task_with(ipc=140)
    with pytest.raises(UserError, match="ipc=3 in group=99"):
        task_with(group=99)


def test_subset_of_uneven_counts_has_the_first_images_of_an_even_one(
    task_with: Callable[..., Task],
) -> None:
    whole, uneven = task_with(ipc=7), task_with(ipc=7, class_counts=UNEVEN)
    assert uneven.set_size == sum(UNEVEN) == len(uneven.real_subset())
    assert torch.equal(uneven.class_ids().bincount(), torch.tensor(UNEVEN))
    by_class = whole.real_subset().view(10, 7)
    firsts = [rows[:count] for rows, count in zip(by_class, UNEVEN, strict=True)]
    assert torch.equal(uneven.real_subset(), torch.cat(firsts))
    _, labels = uneven.real.batch(uneven.real_subset())
    assert torch.equal(labels, uneven.class_ids())


def test_groups_of_uneven_counts_are_disjoint(task_with: Callable[..., Task]) -> None:
    groups = [task_with(ipc=7, class_counts=UNEVEN, group=group) for group in range(3)]
    chosen = [set(task.real_subset().tolist()) for task in groups]
    assert [len(one) for one in chosen] == [sum(UNEVEN)] * 3
    assert len(set.union(*chosen)) == 3 * sum(UNEVEN)


def test_class_that_has_too_few_images_for_its_own_count_is_named(
    task_with: Callable[..., Task],
) -> None:
    with pytest.raises(UserError, match=r"^ipc=500: digits has only \d+ .* class '6'$"):
        task_with(ipc=500, class_counts=(1, 1, 1, 1, 1, 1, 500, 1, 1, 1))
    with pytest.raises(UserError, match=r"^ipc=500: .* class '8', and 1 other classes"):
        task_with(ipc=500, class_counts=(1, 1, 1, 1, 1, 1, 500, 1, 500, 1))


@pytest.mark.parametrize("without", [3, 9])
@pytest.mark.parametrize("others", [0, 1])
def test_a_method_that_makes_other_counts_is_named_with_the_class(
    without: int,
    others: int,
    lab_and_request: tuple[Lab, RunRequest],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """So a set that is distilled here has the asked images of every class, as its control has."""
    lab, request = lab_and_request
    finish = METHODS["random"].finish

    def incomplete(self: Any) -> Any:
        made = finish(self)
        rows = (made.labels == without).nonzero().flatten()[: 3 - others]
        kept = torch.ones(len(made.labels), dtype=torch.bool)
        kept[rows] = False
        return replace(made, images=made.images[kept], labels=made.labels[kept])

    monkeypatch.setattr(METHODS["random"], "finish", incomplete)
    told = rf"made {others} images of the class '{without}', not 3; so with 1 of 10 classes"
    with pytest.raises(ValueError, match=told):
        distil(request.method, request.task, lab)
