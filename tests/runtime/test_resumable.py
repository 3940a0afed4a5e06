"""The one driver of long work, on work that only counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from ddbench.errors import StopRequested
from ddbench.runtime.checkpoint import Checkpoint
from ddbench.runtime.resumable import PARTS, run_resumably
from ddbench.runtime.runtime import Runtime


class Counting:
    """Sums its steps; at one of them it is asked to stop, as by a signal."""

    def __init__(self, runtime: Runtime, stop_in: int | None = None, raises: bool = False) -> None:
        self.runtime, self.stop_in, self.raises = runtime, stop_in, raises
        self.total_steps, self.steps_done = 5, 0
        self.sum = torch.zeros(())
        self.taken: list[int] = []

    def step(self) -> dict[str, float]:
        i = self.steps_done
        if i == self.stop_in:
            self.runtime.stop.signal_number = 15
            if self.raises:
                self.runtime.stop.check()
        self.sum = self.sum + i
        self.taken.append(i)
        self.steps_done += 1
        return {"sum": float(self.sum)}

    def state_dict(self) -> dict[str, Any]:
        return {"sum": self.sum, "done": self.steps_done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.sum, self.steps_done = state["sum"], state["done"]


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    return Runtime.start(tmp_path, "cpu", 1, quiet=True)


def checkpoint(runtime: Runtime, seconds: float = 60.0) -> Checkpoint:
    return Checkpoint(runtime.store.root / "work.checkpoint", seconds, runtime.execution)


def test_work_is_done_to_its_end_and_each_part_has_a_cost(runtime: Runtime) -> None:
    work, parts = run_resumably(lambda: Counting(runtime), "count", runtime, checkpoint(runtime))
    assert work.taken == [0, 1, 2, 3, 4]
    assert tuple(parts) == PARTS
    assert parts["steps"].wall_seconds > 0
    assert parts["finish"].wall_seconds == 0


@pytest.mark.parametrize(("raises", "left"), [(False, [3, 4]), (True, [2, 3, 4])])
def test_a_stop_saves_the_state_and_a_step_that_it_cuts_is_taken_again(
    runtime: Runtime, raises: bool, left: list[int]
) -> None:
    with pytest.raises(StopRequested):
        run_resumably(lambda: Counting(runtime, 2, raises), "count", runtime, checkpoint(runtime))
    runtime.stop.signal_number = None
    work, _ = run_resumably(lambda: Counting(runtime), "count", runtime, checkpoint(runtime))
    assert work.taken == left
    assert float(work.sum) == 10


def test_a_checkpoint_that_is_due_is_saved_between_steps(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []
    monkeypatch.setattr(Checkpoint, "save", lambda _, state: saved.append(state["work"]["done"]))
    run_resumably(lambda: Counting(runtime), "count", runtime, checkpoint(runtime, seconds=0.0))
    assert saved == [1, 2, 3, 4, 5]


def test_an_artefact_is_made_once_and_its_checkpoint_is_gone(runtime: Runtime) -> None:
    made: list[int] = []

    def make(unfinished: Checkpoint) -> tuple[dict[str, Any], None]:
        made.append(len(made))
        unfinished.save({"half": 1})
        return {"number": made[-1]}, None

    first, second = (runtime.make_once("thing", {"a": 1}, "a thing", make) for _ in range(2))
    assert made == [0]
    assert first == second
    assert list(runtime.store.root.glob("artefacts/thing/*.checkpoint")) == []


def test_what_is_used_in_a_block_is_recorded_apart(runtime: Runtime) -> None:
    one, two = (runtime.store.save("network", {"n": n}, {}) for n in (1, 2))
    ledger = runtime.ledger
    with ledger.recording() as outer:
        ledger.add("teacher", [one])
        with ledger.recording() as inner:
            ledger.add("expert", [two, two])
        ledger.add("teacher", [one])
    assert outer == {"teacher": {one.key: one}}
    assert inner == {"expert": {two.key: two}}
