"""Time that a test turns, for everything that measures or shows it."""

from __future__ import annotations

import pytest
from clock import Clock

from ddbench.runtime import meters, progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    for module in (meters, progress):
        monkeypatch.setattr(module, "time", made)
    return made
