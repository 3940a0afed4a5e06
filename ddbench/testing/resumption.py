"""What methods promise of their state: an interrupted run ends like an undisturbed one."""

from __future__ import annotations

import io
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch

from ..distilling.method import Method
from ..distilling.registry import METHODS
from ..distilling.task import Task
from ..errors import StopRequested
from ..runtime.interrupt import StopFlag
from ..runtime.progress import Phase
from .method_runs import made, method_request, possible_task
from .promise import require
from .state import foreign_part, parts_of, unlike


class _Killed(BaseException):
    """Ends a run as abruptly as a process can end itself."""


def _begun(name: str, task: Task, settings: Any) -> Method:
    task.stream("begin").seed_global()
    method = METHODS[name](task, settings)
    method.begin()
    return method


def _stepped(method: Method, start: int, end: int) -> None:
    for i in range(start, end):
        method.task.stream("step", i).seed_global()
        method.step(i)


def _finished(method: Method) -> bytes:
    method.task.stream("finish").seed_global()
    return method.finish().to_bytes()


def state_is_plain(name: str, folder: Path) -> None:
    """A state is nested dicts and lists of tensors, numbers and strings."""
    request = method_request(name, folder / name / "asked", "ipc=2")
    with possible_task(request) as task:
        method = _begun(name, task, request.method.settings)
        _stepped(method, 0, method.total_steps // 2)
        state = method.state_dict()
    require(isinstance(state, dict), f"state_dict returns {type(state).__name__}, not a dict")
    foreign = foreign_part(state)
    require(not foreign, f"the state holds {foreign}")


def saved_state_continues_in_a_fresh_instance(name: str, folder: Path) -> None:
    """A fresh instance that loads the state from halfway ends with the same bytes."""
    request = method_request(name, folder / name / "asked", "ipc=2")
    with possible_task(request) as task:
        first = _begun(name, task, request.method.settings)
        half = first.total_steps // 2
        _stepped(first, 0, half)
        file = io.BytesIO()
        torch.save(first.state_dict(), file)
        in_the_middle = parts_of(vars(first))
        _stepped(first, half, first.total_steps)
        undisturbed = _finished(first)
        file.seek(0)
        second = _begun(name, task, request.method.settings)
        if half:
            second.load_state_dict(torch.load(file, weights_only=True))
        differing = unlike(in_the_middle, parts_of(vars(second)))
        _stepped(second, half, second.total_steps)
        again = _finished(second)
    named = ", ".join(f"self.{part}" for part in differing) or "something besides its attributes"
    require(again == undisturbed, f"{named} does not come back from the state")


def killed_run_ends_bit_for_bit(name: str, folder: Path) -> None:
    """A run killed in the middle, or after its last step, resumes and ends with the same bytes."""
    undisturbed = made(method_request(name, folder / name / "undisturbed")).read_bytes()
    request = method_request(name, folder / name / "killed", "checkpoint_seconds=0")
    title = f"{name} distils"
    ticks: list[int] = []

    def advance(self: Phase, done: int, scalars: Any = None) -> None:
        if self.title == title:
            ticks.append(done)
            if done == (self.total + 1) // 2 + 1 or done == self.total:
                raise _Killed

    with patch.object(Phase, "advance", advance):
        try:
            made(request)
        except _Killed:
            require(ticks, "it was killed before its first step")
    resumed: list[int] = []

    def note(self: Phase, done: int, scalars: Any = None) -> None:
        if self.title == title:
            resumed.append(done)

    with patch.object(Phase, "advance", note):
        again = made(request).read_bytes()
    require(again == undisturbed, "a run that was killed in the middle ends with another set")
    # It resumes at the tick at which it was killed, and none before it.
    require(resumed[:1] == ticks[-1:], f"killed at tick {ticks[-1:]} it resumes at {resumed[:1]}")


def run_stopped_in_a_step_ends_bit_for_bit(name: str, folder: Path) -> None:
    """A run asked to stop while `task.train` trains resumes and ends with the same bytes."""
    undisturbed = made(method_request(name, folder / name / "undisturbed")).read_bytes()
    request = method_request(name, folder / name / "stopped")
    train = Task.train
    calls: list[int] = []

    def ask_to_stop(self: StopFlag) -> None:
        raise StopRequested(15)

    with ExitStack() as stack:

        def stopped(self: Task, *arguments: Any) -> Any:
            calls.append(1)
            if len(calls) == 1:
                stack.enter_context(patch.object(StopFlag, "check", ask_to_stop))
            return train(self, *arguments)

        stack.enter_context(patch.object(Task, "train", stopped))
        try:
            made(request)
        except StopRequested:
            require(calls == [1], "it trains on after it was asked to stop")
    again = made(request).read_bytes()
    require(again == undisturbed, "a run that was stopped in a step ends with another set")
