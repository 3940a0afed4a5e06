"""As many threads as free cores, unless a number is given; and waiting threads sleep."""

from __future__ import annotations

import os
import subprocess
import sys

import psutil
import pytest
import torch

from ddbench.runtime.cores import THREAD_VARIABLES, free_cores
from ddbench.runtime.device import Execution, process_settings_restored

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME")


@pytest.fixture
def four_cores(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """A machine with four cores of which one is free, and an environment that says nothing."""
    monkeypatch.setattr("joblib.cpu_count", lambda: 4)
    monkeypatch.setattr(psutil, "cpu_percent", lambda *_, **__: [100.0, 10.0, 90.0, 80.0])
    for name in THREAD_VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


@pytest.mark.parametrize(
    ("busy", "free"),
    [
        ([0.0, 0.0, 0.0, 0.0], 4),
        ([5.0, 10.0, 0.0, 5.0], 4),
        ([100.0, 20.0, 10.0, 0.0], 2),
        ([50.0, 50.0, 50.0, 50.0], 2),
        ([100.0, 100.0, 100.0, 100.0], 1),
        ([0.0] * 64, 4),
    ],
)
def test_a_core_counts_as_free_where_nobody_else_is_at_work(
    busy: list[float], free: int, four_cores: pytest.MonkeyPatch
) -> None:
    four_cores.setattr(psutil, "cpu_percent", lambda *_, **__: busy)
    assert free_cores() == free


@pytest.mark.usefixtures("four_cores")
def test_a_run_takes_the_threads_that_have_a_core() -> None:
    with process_settings_restored():
        torch.set_num_threads(3)
        assert Execution.start("cpu").threads == torch.get_num_threads() == 1


@pytest.mark.parametrize("variable", THREAD_VARIABLES)
def test_a_number_of_threads_in_the_environment_stands(
    variable: str, four_cores: pytest.MonkeyPatch
) -> None:
    four_cores.setenv(variable, "3")
    with process_settings_restored():
        torch.set_num_threads(3)
        assert Execution.start("cpu").threads == 3


@pytest.mark.usefixtures("four_cores")
def test_a_number_of_threads_that_is_given_stands() -> None:
    with process_settings_restored():
        execution = Execution.start("cpu", 2)
        assert (execution.threads, execution.threads_given) == (2, True)


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ({}, ["PASSIVE", "3000", "0"]),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, ["ACTIVE", None, None]),
        ({"KMP_BLOCKTIME": "5"}, [None, None, "5"]),
    ],
)
def test_threads_that_wait_sleep_unless_somebody_says_otherwise(
    own: dict[str, str], expected: list[str | None]
) -> None:
    rest = {name: value for name, value in os.environ.items() if name not in WAITING}
    code = f"import os, ddbench; print([os.environ.get(name) for name in {WAITING}])"
    answer = subprocess.run(
        [sys.executable, "-c", code], env={**rest, **own}, capture_output=True, text=True
    )
    assert answer.stdout.strip() == str(expected)
