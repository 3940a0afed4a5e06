"""What a run says: lines that a file can hold, with rate, time left and loss."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from clock import Clock

from ddbench.records.units import duration
from ddbench.runtime.progress import Progress


def test_lines_show_steps_rate_time_left_and_loss(
    clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    news = Progress(tmp_path / "log.txt")
    with news.phase("apm distils", total=100, done=40) as phase:
        for done in (41, 42, 60):
            clock.now += 5
            phase.advance(done, {"loss": torch.tensor(0.25), "movement": 2.0})
    line = "apm distils: 42/100, 0.2/s, 5 min left; loss 0.25, movement 2"
    assert (tmp_path / "log.txt").read_text() == f"2026-01-01 00:00:00 {line}\n"
    assert capsys.readouterr().out == f"{line}\n"


def test_scalars_are_read_only_when_they_are_shown(clock: Clock) -> None:
    class Unread:
        def __float__(self) -> float:
            raise AssertionError("read")

    with Progress(quiet=True).phase("teacher", total=10) as phase:
        for done in range(1, 10):
            clock.now += 1
            phase.advance(done, {"loss": Unread()})  # type: ignore[dict-item]
        clock.now += 1
        with pytest.raises(AssertionError, match="read"):
            phase.advance(10, {"loss": Unread()})  # type: ignore[dict-item]


def test_log_holds_no_control_characters(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    Progress(log, quiet=True).say("one\x1b[31m red\x07\r\ntwo\tthree\x9b µ")
    text = log.read_text(encoding="utf-8")
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", text)
    assert [line[20:] for line in text.splitlines()] == ["one [31m red ", "two three  µ"]


def test_news_go_to_console_and_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    news = Progress(tmp_path / "log.txt")
    news.say("[bold]two\nlines[/]")
    assert capsys.readouterr().out == "[bold]two\nlines[/]\n"
    assert len((tmp_path / "log.txt").read_text().splitlines()) == 2


def test_quiet_says_nothing_on_the_console(
    clock: Clock, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    news = Progress(tmp_path / "log.txt", quiet=True)
    news.say("news")
    with news.phase("teacher", 10) as phase:
        clock.now += 20
        phase.advance(1)
    assert capsys.readouterr().out == ""
    assert "teacher: 1/10" in (tmp_path / "log.txt").read_text()


def test_phases_may_be_nested_and_fail() -> None:
    news = Progress(quiet=True)
    with news.phase("distil", 3) as outer:
        with pytest.raises(ValueError, match="trouble"), news.phase("teacher", 2):
            raise ValueError("trouble")
        outer.advance(1)
    with news.phase("score", 1) as phase:
        phase.advance(1)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "0.5 s"),
        (41.2, "41 s"),
        (720, "12 min"),
        (3.5 * 3600, "3.5 h"),
        (6 * 86400, "6 days"),
        (float("inf"), "unknown time"),
    ],
)
def test_durations_are_words(seconds: float, text: str) -> None:
    assert duration(seconds) == text
