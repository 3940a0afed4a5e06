"""A clock that a test sets, for everything that measures or shows time."""

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
