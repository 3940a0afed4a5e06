"""What the harness promises of every method, at the smallest setting of its smoke budget.

A new method is found by its file: nothing is added here for it.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ddbench.data import dataset
from ddbench.data.registry import DATASETS
from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.loop import MethodSkips, distil
from ddbench.distilling.method import Method
from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.errors import StopRequested
from ddbench.records.record import Record
from ddbench.runs import execute as runner
from ddbench.runs.execute import execute, opened
from ddbench.runs.request import RunRequest
from ddbench.runtime.progress import Phase
from ddbench.training.lab import Lab

every_method = pytest.mark.parametrize("name", METHODS.names())
NARROW = "model.width=8"


class Killed(BaseException):
    """Ends a run as abruptly as one process can do it to itself."""


@pytest.fixture
def request_for(tiny: Callable[..., RunRequest], tmp_path: Path) -> Callable[..., RunRequest]:
    def make(name: str, *overrides: str, store: str = "runs") -> RunRequest:
        return tiny(tmp_path / store, f"method={name}", NARROW, *overrides)

    return make


def made(request: RunRequest, prepare: Callable[[Lab], None] = lambda lab: None) -> bytes:
    """The file of the distilled set that a request asks for."""
    with opened(request, quiet=True) as (lab, _):
        prepare(lab)
        try:
            distillation = distil(request.method, request.task, lab)
        except MethodSkips as reason:
            pytest.skip(str(reason))
        return lab.runtime.store.file(distillation.artefact).read_bytes()


@every_method
@pytest.mark.parametrize("ipc", [1, 2])
def test_smoke_run_makes_ipc_finite_images_of_each_class(
    name: str, ipc: int, request_for: Callable[..., RunRequest], tmp_path: Path
) -> None:
    made(request_for(name, f"ipc={ipc}"))
    outcome = execute(request_for(name, f"ipc={ipc}", "protocols=[hard]"), quiet=True)
    distilled = DistilledSet.load(outcome.folder / "distilled.safetensors")
    assert distilled.images.shape == (10 * ipc, 1, 8, 8)
    assert distilled.images.dtype == torch.float32
    assert distilled.labels.dtype == torch.int64
    assert torch.bincount(distilled.labels).tolist() == [ipc] * 10
    assert bool(torch.isfinite(distilled.images).all())
    assert distilled.provenance["method"] == name
    assert {"config.yaml", "record.json", "distilled.safetensors", "gallery.png", "log.txt"} == {
        path.name for path in outcome.folder.iterdir()
    }
    assert not list(tmp_path.glob("runs/artefacts/*/*.checkpoint"))
    accuracy = Record.load(outcome.folder / "record.json").measurements[0].value
    assert accuracy is not None
    assert 0 <= accuracy <= 1


@every_method
def test_same_request_gives_the_same_bytes_whatever_the_global_generators_hold(
    name: str, request_for: Callable[..., RunRequest]
) -> None:
    results = []
    for number in (1, 2):
        torch.manual_seed(number)
        np.random.seed(number)
        random.seed(number)
        results.append(made(request_for(name, store=f"store{number}")))
    assert results[0] == results[1]


@every_method
def test_found_networks_give_the_same_bytes_as_trained_ones(
    name: str, request_for: Callable[..., RunRequest], tmp_path: Path
) -> None:
    request = request_for(name)
    first = made(request)
    for path in tmp_path.glob("runs/artefacts/distilled/*"):
        path.unlink()
    assert made(request) == first


@every_method
def test_saved_state_continues_in_a_fresh_instance(
    name: str, request_for: Callable[..., RunRequest]
) -> None:
    request = request_for(name, "ipc=2")
    with opened(request, quiet=True) as (lab, _):
        task = Task(request.task, lab)
        reason = METHODS[name].skip(task)
        if reason:
            pytest.skip(reason)

        def begun() -> Method:
            task.stream("begin").seed_global()
            method = METHODS[name](task, request.method.settings)
            method.begin()
            return method

        def ended(method: Method, start: int, end: int) -> bytes:
            for i in range(start, end):
                task.stream("step", i).seed_global()
                method.step(i)
            if end < method.total_steps:
                return b""
            task.stream("finish").seed_global()
            return method.finish().to_bytes()

        first = begun()
        half = first.total_steps // 2
        ended(first, 0, half)
        file = io.BytesIO()
        torch.save(first.state_dict(), file)
        undisturbed = ended(first, half, first.total_steps)
        file.seek(0)
        second = begun()
        if half:
            second.load_state_dict(torch.load(file, weights_only=True))
        assert ended(second, half, second.total_steps) == undisturbed


@every_method
def test_run_killed_while_distilling_ends_bit_for_bit(
    name: str, request_for: Callable[..., RunRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = made(request_for(name))
    request = request_for(name, "checkpoint_seconds=0", store="killed")
    ticks: list[int] = []
    with monkeypatch.context() as patch:

        def advance(self: Phase, done: int, scalars: Any = None) -> None:
            if self.title == f"{name} distils":
                ticks.append(done)
                if done == (self.total + 1) // 2 + 1 or done == self.total:
                    raise Killed

        patch.setattr(Phase, "advance", advance)
        try:
            made(request)
        except Killed:
            assert ticks
    resumed: list[int] = []
    with monkeypatch.context() as patch:
        patch.setattr(
            Phase,
            "advance",
            lambda self, done, scalars=None: (
                resumed.append(done) if self.title == f"{name} distils" else None
            ),
        )
        assert made(request) == undisturbed
    assert resumed[:1] == ticks[-1:]  # the tick at which it was killed, and none before it


@every_method
def test_run_stopped_in_the_middle_of_a_step_ends_bit_for_bit(
    name: str, request_for: Callable[..., RunRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = made(request_for(name))
    request = request_for(name, store="stopped")
    train = Task.train
    calls: list[int] = []

    def stopped(self: Task, *arguments: Any) -> Any:
        calls.append(1)
        if len(calls) == 1:
            self._lab.runtime.stop.signal_number = 15
        return train(self, *arguments)

    monkeypatch.setattr(Task, "train", stopped)
    try:
        made(request)
    except StopRequested:
        assert calls == [1]
    assert made(request) == undisturbed


@every_method
def test_test_split_is_untouched_until_scoring(
    name: str, request_for: Callable[..., RunRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    source = DATASETS["digits"]
    load, finished_run = source.load, runner.finished_run

    def noted_load(self: Any, split: Any) -> Any:
        events.append(split)
        return load(self, split)

    def noted_scoring(*arguments: Any, **named: Any) -> Any:
        events.append("scoring")
        return finished_run(*arguments, **named)

    def locked(lab: Lab) -> None:
        with pytest.raises(dataset.TestSplitLocked):
            _ = lab.dataset.test

    monkeypatch.setattr(source, "load", noted_load)
    monkeypatch.setattr(runner, "finished_run", noted_scoring)
    made(request_for(name), locked)
    execute(request_for(name, "protocols=[hard]"), quiet=True)
    assert events == ["train", "train", "scoring", "test"]


@every_method
def test_skip_says_nothing_or_why(name: str, request_for: Callable[..., RunRequest]) -> None:
    request = request_for(name)
    with opened(request, quiet=True) as (lab, _):
        reason = METHODS[name].skip(Task(request.task, lab))
    assert reason is None or (isinstance(reason, str) and reason)


def test_groups_of_random_start_from_disjoint_real_images(
    request_for: Callable[..., RunRequest],
) -> None:
    chosen = []
    for group in (0, 1):
        request = request_for("random", "ipc=3", f"group={group}")
        with opened(request, quiet=True) as (lab, _):
            subset = Task(request.task, lab).real_subset()
            chosen.append(set(subset.tolist()))
            images = distil(request.method, request.task, lab).distilled.images
            assert torch.equal(images, lab.real.images(subset))
    assert len(chosen[0]) == len(chosen[1]) == 30
    assert not chosen[0] & chosen[1]


def test_control_in_a_run_of_apm_is_that_of_its_own_run(
    request_for: Callable[..., RunRequest],
) -> None:
    """The networks of one method are not booked on another that is made beside it."""
    execute(request_for("apm", "protocols=[hard]"), quiet=True)
    outcome = execute(request_for("random", "protocols=[hard]"), quiet=True)
    assert outcome.record.networks == ()
    assert "teacher" not in {cost.phase for cost in outcome.record.costs}
