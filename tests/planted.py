"""Kinds of attempts that fail in every way, for testing the campaign."""

from __future__ import annotations

import os
import random
import signal
from pathlib import Path

from campaign_kinds.attempt import Kind

from ddbench.testing.promise import require


def _die(draws: random.Random, folder: Path, kept: Path) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def _hang(draws: random.Random, folder: Path, kept: Path) -> None:
    signal.pause()


def _devour(draws: random.Random, folder: Path, kept: Path) -> None:
    bytearray(2**33)


def _break(draws: random.Random, folder: Path, kept: Path) -> None:
    require(draws.random() < 0, "the promise\nis broken")


DEATH = Kind("death", _die, share=1, seconds=300)
HANG = Kind("hang", _hang, share=1, seconds=0.2)
HUNGER = Kind("hunger", _devour, share=1, seconds=300, growth_bytes=2**30)
BREACH = Kind("breach", _break, share=1, seconds=300)
