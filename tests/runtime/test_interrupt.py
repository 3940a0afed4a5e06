"""Requests to stop: the first is noticed between steps, and handlers are put back."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from ddbench.errors import StopRequested
from ddbench.runtime.interrupt import SIGNALS, WARNINGS, StopFlag


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """No signal is ignored from outside, as SIGHUP is if the tests themselves run in nohup."""
    before = {number: signal.signal(number, signal.SIG_DFL) for number in WARNINGS}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", SIGNALS)
def test_first_signal_is_noticed_at_the_next_check(number: int) -> None:
    with StopFlag().listening() as stop:
        stop.check()
        os.kill(os.getpid(), number)
        with pytest.raises(StopRequested) as stopped:
            stop.check()
        assert stopped.value.signal_number == number


def test_second_signal_ends_the_process_at_once() -> None:
    with StopFlag().listening():
        os.kill(os.getpid(), signal.SIGTERM)
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        assert callable(signal.getsignal(signal.SIGINT))


@pytest.mark.parametrize("number", WARNINGS)
def test_warning_that_comes_again_leaves_the_time_for_a_checkpoint(number: int) -> None:
    with StopFlag().listening() as stop:
        for _ in range(3):
            os.kill(os.getpid(), number)
        with pytest.raises(StopRequested):
            stop.check()


@pytest.mark.parametrize("number", WARNINGS)
def test_warning_that_nohup_lets_pass_stays_ignored(number: int) -> None:
    before = signal.signal(number, signal.SIG_IGN)
    try:
        with StopFlag().listening() as stop:
            os.kill(os.getpid(), number)
            stop.check()
        assert signal.getsignal(number) is signal.SIG_IGN
    finally:
        signal.signal(number, before)


def test_handlers_are_put_back() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with StopFlag().listening():
        os.kill(os.getpid(), signal.SIGTERM)
    assert [signal.getsignal(number) for number in SIGNALS] == before


def test_other_threads_do_not_listen() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def work() -> None:
        with StopFlag().listening():
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]


def test_waiting_notices_a_stop() -> None:
    stop = StopFlag()
    stop.wait(0)
    stop.signal_number = signal.SIGTERM
    with pytest.raises(StopRequested):
        stop.wait(0)
