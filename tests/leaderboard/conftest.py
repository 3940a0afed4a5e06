"""Records of two datasets, and their page."""

from __future__ import annotations

import pytest
from pages import page_of, png


@pytest.fixture(scope="module")
def records(make):
    """Digits have more methods, so that their boards are the fullest."""
    methods = {"cifar10": ("random", "dm"), "digits": ("random", "dm", "apm")}
    return [
        make(method, dataset=dataset, ipc=ipc, seed=seed)
        for dataset, own in methods.items()
        for method in own
        for ipc in (1, 10)
        for seed in range(3)
    ]


@pytest.fixture(scope="module")
def html(records):
    pictured = [one for one in records if one.task.seed == 0 and one.task.ipc == 1]
    return page_of(*records, galleries={one.name: png() for one in pictured})
