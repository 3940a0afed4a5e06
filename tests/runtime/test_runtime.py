"""Waiting for another process: reported once, interrupted by a stop, and charged to no phase."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ddbench.errors import StopRequested
from ddbench.runtime import runtime as context_module
from ddbench.runtime.device import Execution
from ddbench.runtime.interrupt import StopFlag
from ddbench.runtime.meters import CostMeter
from ddbench.runtime.progress import Progress
from ddbench.runtime.runtime import Runtime
from ddbench.store.store import Store

MADE_FROM = {"index": 0}


@pytest.fixture
def runtime(tmp_path: Path) -> Runtime:
    cpu = torch.device("cpu")
    return Runtime(
        Store(tmp_path), Execution(cpu, 1), CostMeter(cpu), Progress(quiet=True), StopFlag()
    )


def test_lock_is_held_in_the_block_and_free_behind_a_failure(runtime: Runtime) -> None:
    def fail() -> None:
        with runtime.locked("network", MADE_FROM, "a network"):
            assert runtime.store.try_lock("network", MADE_FROM) is None
            raise ValueError("trouble")

    with pytest.raises(ValueError, match="trouble"):
        fail()
    lock = runtime.store.try_lock("network", MADE_FROM)
    assert lock is not None
    lock.release()


def test_waiting_is_said_once_and_costs_nothing(
    runtime: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = runtime.store.try_lock("network", MADE_FROM)
    assert held is not None
    said: list[str] = []
    waits: list[float] = []
    clock = [0.0]

    def wait(_: StopFlag, seconds: float) -> None:
        waits.append(seconds)
        clock[0] += 100.0
        if len(waits) == 3:
            held.release()

    monkeypatch.setattr(runtime.progress, "say", said.append)
    monkeypatch.setattr(StopFlag, "wait", wait)
    monkeypatch.setattr("ddbench.runtime.meters.time.monotonic", lambda: clock[0])
    with runtime.meter.measure() as cost, runtime.locked("network", MADE_FROM, "a network"):
        clock[0] += 1.0
    assert waits == [context_module.POLL_SECONDS] * 3
    assert said == ["another process is working on a network; waiting for it"]
    assert cost.wall_seconds == pytest.approx(1.0)


def test_stop_is_noticed_while_waiting(runtime: Runtime) -> None:
    held = runtime.store.try_lock("network", MADE_FROM)
    assert held is not None
    runtime.stop.signal_number = 15
    with pytest.raises(StopRequested), runtime.locked("network", MADE_FROM, "a network"):
        pass
    held.release()
