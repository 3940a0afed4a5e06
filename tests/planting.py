"""Plant a mistake in a method, and see that an agreement of its tests catches it."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType

import pytest
from agreements import Given

Room = Callable[[str], ModuleType]
Patch = pytest.MonkeyPatch
Plant = Callable[[Patch, Room], None]
Agreement = Callable[[Given], None]


def assert_caught(plant: Plant, agreement: Agreement, given: Given, patch: Patch) -> None:
    """Assert that the agreement holds for the method as it is, and fails with the mistake."""
    agreement(given)
    plant(patch, given.room)
    with pytest.raises(AssertionError):
        agreement(given)
