"""Herding and k-center against exhaustive searches, and what every selection keeps."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor

from ddbench.distilling.registry import METHODS
from ddbench.distilling.task import Task
from ddbench.runs.execute import opened
from ddbench.runs.request import RunRequest

SELECTIONS = pytest.mark.parametrize(
    ("module", "function"), [("herding", "herding_order"), ("kcenter", "farthest_first_order")]
)


@pytest.fixture
def features() -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(12, 5, generator=generator, dtype=torch.float64)


def naive_herding(features: Tensor, n: int) -> list[int]:
    chosen: list[int] = []
    for _ in range(n):
        rest = [x for x in range(len(features)) if x not in chosen]
        mean = features.mean(0)
        chosen.append(
            min(rest, key=lambda x: (mean - features[[*chosen, x]].mean(0)).norm().item())
        )
    return chosen


def naive_k_center(features: Tensor, n: int) -> list[int]:
    def distance(a: Tensor, b: Tensor) -> float:
        return (a - b).norm().item()

    mean = features.mean(0)
    chosen = [min(range(len(features)), key=lambda x: distance(features[x], mean))]
    while len(chosen) < n:
        rest = [x for x in range(len(features)) if x not in chosen]
        nearest = {x: min(distance(features[x], features[p]) for p in chosen) for x in rest}
        chosen.append(max(rest, key=nearest.__getitem__))
    return chosen


@pytest.mark.parametrize("n", [1, 4, 12])
def test_orders_equal_the_exhaustive_search(
    room: Callable[[str], ModuleType], features: Tensor, n: int
) -> None:
    assert room("herding").herding_order(features, n).tolist() == naive_herding(features, n)
    found = room("kcenter").farthest_first_order(features, n).tolist()
    assert found == naive_k_center(features, n)


@SELECTIONS
def test_copies_of_an_image_are_different_images(
    module: str, function: str, room: Callable[[str], ModuleType]
) -> None:
    order = getattr(room(module), function)(torch.ones(6, 3), 6)
    assert sorted(order.tolist()) == list(range(6))


@pytest.mark.parametrize("name", ["herding", "kcenter"])
def test_chosen_images_are_of_their_class_and_groups_and_ipcs_are_nested(
    name: str, tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    def chosen(*overrides: str) -> list[Any]:
        request = tiny(tmp_path, f"method={name}", "model.width=8", *overrides)
        with opened(request, quiet=True) as (lab, _):
            method: Any = METHODS[name](Task(request.task, lab), request.method.settings)
            method.begin()
            labels = lab.real.labels[method.chosen]
            assert torch.equal(labels.cpu(), method.task.class_ids())
            return [set(part.tolist()) for part in method.chosen.split(method.task.ipc)]

    four, first, second = chosen("ipc=4"), chosen("ipc=2"), chosen("ipc=2", "group=1")
    assert not METHODS[name].draws
    assert chosen("ipc=4", "seed=1") == four
    for c in range(10):
        assert first[c] | second[c] == four[c]
        assert not first[c] & second[c]
