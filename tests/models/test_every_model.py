"""What every architecture promises; see `ddbench.testing.models`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ddbench.errors import UserError
from ddbench.models.registry import MODELS
from ddbench.models.spec import ModelSpec
from ddbench.runtime.randomness import RandomStream
from ddbench.testing import Check, checks


@pytest.mark.parametrize("name", MODELS.names())
@pytest.mark.parametrize("check", checks("models"), ids=str)
def test_model(
    check: Check, name: str, tmp_path: Path, hold: Callable[[Check, str, Path], None]
) -> None:
    hold(check, name, tmp_path)


def test_unknown_setting_is_refused_in_one_line() -> None:
    with pytest.raises(UserError, match="width"):
        ModelSpec("convnet", {"widht": 8}).build(1, 8, 2, RandomStream(3, ("network",)))
