"""Everything that can be measured is measured, and repeats itself."""

from __future__ import annotations

import pytest
import torch

from ddbench import Method, TrainingRecipe, UserError
from ddbench.bench.floor import calls_of, operations_of
from ddbench.bench.worker import Worker
from ddbench.bench.workloads import (
    OTHERS,
    USUAL,
    Workload,
    check_names,
    completed,
    names,
    request_for,
)
from ddbench.distilling.registry import METHODS

TINY = ("dataset=digits", "ipc=1", "budget=smoke", "model.width=8", "device=cpu", "threads=1")
WORDS = completed(TINY)
BATCH = 10


@pytest.mark.parametrize("name", names())
def test_each_work_has_seconds_memory_and_a_floor_of_the_same_calls(name):
    worker = Worker()
    try:
        opened = worker.open(name, WORDS, BATCH)
        for number, told in enumerate(opened["parts"]):
            traced = worker.trace(number)
            assert told["images"] > 0
            assert (traced["calls"] > 0) == (traced["operations"] > 0)
            first = worker.peak(number)
            assert first["peak_bytes"] is None or first["peak_bytes"] >= 0
            assert (first["kept_bytes"] is None) == ("step" not in told["which"])
            assert first["kept_bytes"] is None or first["kept_bytes"] > 0
            for reading in (first, worker.step(number, 1), worker.floor(number, 1)):
                assert reading["wall_seconds"] > 0
                assert reading["processor_seconds"] >= 0
            part = worker.workload.parts[number]
            part.reset()
            calls = calls_of(part.work)
            assert {"calls": len(calls), "operations": operations_of(calls)} == traced
            assert calls_of(worker._floors[number]) == calls  # of the first time
    finally:
        worker.close()


class Counting(Method):
    """Moves its images by one in each step."""

    total_steps = 5

    def begin(self):
        self.images = torch.zeros(self.task.set_size, *self.task.image_shape)
        self.pool = self.task.teachers(TrainingRecipe(epochs=100, learning_rate=0.1), 7)
        self.seen = []

    def step(self, i):
        self.images += 1
        self.seen.append((i, float(self.images.max())))
        return {}

    def finish(self):
        return self.task.distilled_set(
            self.images,
            self.task.class_ids(),
            evaluation=TrainingRecipe(epochs=1, learning_rate=0.1),
        )

    def state_dict(self):
        return {"images": self.images}

    def load_state_dict(self, state):
        self.images = state["images"]


@pytest.fixture
def counting(monkeypatch, tmp_path):
    monkeypatch.setitem(METHODS._added, "counting", Counting)
    made = []
    begin = Counting.begin
    monkeypatch.setattr(Counting, "begin", lambda self: (begin(self), made.append(self)))
    workload = Workload("counting", request_for("counting", WORDS, tmp_path), BATCH)
    yield workload, made[0]
    workload.close()


def test_a_method_of_another_package_is_measured_by_its_name(counting):
    workload, _ = counting
    assert "counting" in names()
    assert [part.which for part in workload.parts] == ["step 1", "step 2"]


def test_a_step_is_repeated_from_the_state_that_it_was_first_done_in(counting):
    workload, method = counting
    first, second = workload.parts
    for part in (first, second, first, second, second):
        part.reset()
        part.work()
    assert method.seen == [(0, 1), (1, 2), (0, 1), (1, 2), (1, 2)]


def test_a_pool_has_its_size_without_being_trained(counting):
    _, method = counting
    assert len(method.pool) == 7
    assert len({artefact.key for artefact in method.pool.artefacts}) == 1


def test_images_are_those_of_the_set_the_mini_batch_or_the_split(tmp_path):
    images = {}
    for name in ("random", *OTHERS):
        workload = Workload(name, request_for(name, WORDS, tmp_path), BATCH)
        images[name] = [part.images for part in workload.parts]
        real = len(workload.lab.real)
        workload.close()
    trained = {name: [BATCH] for name in ("random", "teacher", "student", "nas_cell")}
    assert images == {**trained, "testing": [real]}


def test_usual_words_stand_in_for_those_that_are_not_given():
    assert completed(()) == [*USUAL, "dataset.images=256"]
    assert "dataset.images=256" not in completed(["dataset=digits"])
    assert "ipc=10" not in completed(["ratio=0.5"])
    assert [word for word in completed(["ipc=3"]) if word.startswith("ipc")] == ["ipc=3"]
    with pytest.raises(UserError, match="name the methods themselves"):
        completed(["method=random"])


def test_without_a_name_everything_is_measured():
    assert check_names([]) == names()
    assert check_names(["student", "random", "student"]) == ["student", "random"]
    with pytest.raises(UserError, match="unknown work 'sudent': did you mean student"):
        check_names(["sudent"])


def test_a_setting_of_methods_is_none_of_other_work(tmp_path):
    words = [*WORDS, "method.segment=5"]
    request_for("student", words, tmp_path)
    with pytest.raises(UserError, match="segment"):
        request_for("random", words, tmp_path)
