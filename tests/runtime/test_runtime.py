"""Waiting for another process: said once, noticed by a stop, and paid by nobody."""

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
from ddbench.runtime.runtime import Context
from ddbench.store.store import Store

MADE_FROM = {"index": 0}


@pytest.fixture
def context(tmp_path: Path) -> Context:
    cpu = torch.device("cpu")
    return Context(
        Store(tmp_path), Execution(cpu, 1), CostMeter(cpu), Progress(quiet=True), StopFlag()
    )


def test_lock_is_held_in_the_block_and_free_behind_a_failure(context: Context) -> None:
    def fail() -> None:
        with context.locked("network", MADE_FROM, "a network"):
            assert context.store.try_lock("network", MADE_FROM) is None
            raise ValueError("trouble")

    with pytest.raises(ValueError, match="trouble"):
        fail()
    lock = context.store.try_lock("network", MADE_FROM)
    assert lock is not None
    lock.release()


def test_waiting_is_said_once_and_costs_nothing(
    context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = context.store.try_lock("network", MADE_FROM)
    assert held is not None
    said: list[str] = []
    waits: list[float] = []
    clock = [0.0]

    def wait(_: StopFlag, seconds: float) -> None:
        waits.append(seconds)
        clock[0] += 100.0
        if len(waits) == 3:
            held.release()

    monkeypatch.setattr(context.progress, "say", said.append)
    monkeypatch.setattr(StopFlag, "wait", wait)
    monkeypatch.setattr("ddbench.runtime.meters.time.monotonic", lambda: clock[0])
    with context.meter.measure() as cost, context.locked("network", MADE_FROM, "a network"):
        clock[0] += 1.0
    assert waits == [context_module.POLL_SECONDS] * 3
    assert said == ["another process is at work on a network; waiting for it"]
    assert cost.wall_seconds == pytest.approx(1.0)


def test_stop_is_noticed_while_waiting(context: Context) -> None:
    held = context.store.try_lock("network", MADE_FROM)
    assert held is not None
    context.stop.signal_number = 15
    with pytest.raises(StopRequested), context.locked("network", MADE_FROM, "a network"):
        pass
    held.release()
