"""Datasets and folders that the tests of importers share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ddbench.data.dataset import Dataset
from ddbench.errors import UserError


@pytest.fixture(scope="session")
def digits() -> Dataset:
    """Real digits: 1 channel, 8x8 pixels, 10 classes."""
    return Dataset.open("digits", {}, Path("/nonexistent"))


@pytest.fixture(scope="session")
def foreign() -> Path:
    """The folder of files that others released, which are not ours to ship: DDBENCH_FOREIGN."""
    folder = os.environ.get("DDBENCH_FOREIGN", "")
    if not folder or not Path(folder).is_dir():
        pytest.skip("DDBENCH_FOREIGN names no folder of released files")
    return Path(folder)


@pytest.fixture(scope="session")
def photographs() -> dict[str, Dataset]:
    """CIFAR-10 and CIFAR-100 from DDBENCH_DATA."""
    root = os.environ.get("DDBENCH_DATA", "")
    try:
        if not root:
            raise UserError("DDBENCH_DATA is not set")
        return {name: Dataset.open(name, {}, Path(root)) for name in ("cifar10", "cifar100")}
    except UserError as error:
        pytest.skip(str(error))
