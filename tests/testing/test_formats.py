"""Every importer and exporter keeps the promises of its kind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ddbench.distilling.exporting.registry import EXPORTERS
from ddbench.distilling.importing.registry import IMPORTERS
from ddbench.testing import Check, checks

Hold = Callable[[Check, str, Path], None]


@pytest.mark.parametrize("name", IMPORTERS.names())
@pytest.mark.parametrize("check", checks("importers"), ids=str)
def test_importer(check: Check, name: str, tmp_path: Path, hold: Hold) -> None:
    hold(check, name, tmp_path)


@pytest.mark.parametrize("name", EXPORTERS.names())
@pytest.mark.parametrize("check", checks("exporters"), ids=str)
def test_exporter(check: Check, name: str, tmp_path: Path, hold: Hold) -> None:
    hold(check, name, tmp_path)
