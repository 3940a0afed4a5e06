"""What a method would do, asked without data."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.planning.data_shape import data_shape
from ddbench.planning.planned_task import work_of
from ddbench.planning.small import small_request, small_shape, small_sizes
from ddbench.runs.compose import request_of
from ddbench.runs.execute import opened
from ddbench.training.lab import LabSpec


@pytest.mark.parametrize("name", METHODS.names())
def test_a_plan_asks_for_the_work_that_the_method_would_do(name, tmp_path):
    request = request_of(
        [f"method={name}", "dataset=digits", "ipc=2", "budget=smoke", f"runs_root={tmp_path}"]
    )
    work = work_of(request.method, request.task, data_shape(request.task.lab, tmp_path))
    with opened(request, quiet=True) as (lab, _):
        task = Task(request.task, lab)
        method_type = METHODS[name]
        if method_type.reason_to_skip(task):
            assert work.skips
            return
        method = method_type(task, request.method.settings)
        passes = method.image_passes()
    assert work.skips is None
    assert work.steps == method.steps
    assert passes is None or work.distilling == pytest.approx(passes.distilling)
    assert bool(work.pool) == bool(work.training)


@pytest.mark.parametrize(("dataset", "ipc"), [("cifar10", 10), ("cifar100", 1)])
@pytest.mark.parametrize("name", METHODS.names())
def test_a_step_of_the_published_settings_can_be_measured_at_small_sizes(
    name, dataset, ipc, tmp_path
):
    """Some settings bound others, and small sizes change only a few of them."""
    task = [f"dataset={dataset}", f"ipc={ipc}", f"data_root={tmp_path}", f"runs_root={tmp_path}"]
    request = request_of([f"method={name}", "budget=paper", *task])
    shape = data_shape(request.task.lab, tmp_path)
    for size in small_sizes(request.method.settings, shape, ipc):
        small = small_request(request, shape, size, tmp_path)
        assert work_of(small.method, small.task, small_shape(small)).skips is None


def test_stopping_early_takes_its_share_of_the_work(tmp_path):
    words = ["method=dm", "dataset=digits", "budget=smoke", f"runs_root={tmp_path}"]
    whole = request_of([*words, "method.iterations=10"])
    part = request_of([*words, "method.iterations=10", "method.stop_after=5"])
    shape = data_shape(whole.task.lab, tmp_path)
    assert work_of(part.method, part.task, shape).distilling == pytest.approx(
        work_of(whole.method, whole.task, shape).distilling / 2
    )


def test_the_shape_of_a_dataset_that_is_not_at_hand_is_the_published_one(tmp_path):
    model = request_of(["dataset=digits", f"runs_root={tmp_path}"]).task.lab.model
    spec = LabSpec("cifar10", model, "normalised")
    shape = data_shape(spec, tmp_path)
    assert (shape.images, shape.scored, shape.classes) == (50_000, 10_000, 10)
    assert shape.dataset is None
    assert "cifar-10" in str(shape.missing)
    held_out = data_shape(replace(spec, validation=0.1), tmp_path)
    assert (held_out.images, held_out.scored) == (45_000, 5_000)
    whitened = shape.bytes_in("zca") - shape.bytes_in("normalised")
    assert whitened == 4 * 50_000 * 3072
