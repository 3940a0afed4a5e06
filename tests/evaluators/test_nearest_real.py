"""Nearest real images against a loop over all pairs, and the verdicts on copies and noise."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ddbench.records.record import Record
from ddbench.runs.execute import execute
from ddbench.runs.request import RunRequest
from ddbench.scoring.registry import EVALUATORS


@pytest.fixture(scope="module")
def record(tiny: Callable[..., RunRequest], tmp_path_factory: pytest.TempPathFactory) -> Record:
    """Of a few steps of DM from noise, so far from any real image."""
    root: Path = tmp_path_factory.mktemp("nearest")
    chosen = ("evaluators=[nearest_real]", "protocols=[hard]", "model.width=8")
    request = tiny(root, "method=dm", "method.stop_after=1", "method.initial=noise", *chosen)
    return execute(request, quiet=True).record


def by_place(record: Record, metric: str) -> dict[tuple[Any, Any], Any]:
    return {
        (m.coordinates["subject"], m.coordinates["of"]): m
        for m in record.measurements
        if m.metric == metric
    }


def test_distances_agree_with_a_loop_over_all_pairs() -> None:
    module = importlib.import_module(f"{EVALUATORS.package}.nearest_real")
    generator = torch.Generator().manual_seed(0)
    real = torch.randn(600, 7, generator=generator, dtype=torch.float64)
    queries = torch.cat([torch.randn(5, 7, generator=generator).double(), real[[3, 590]]])
    own = torch.tensor([-1, -1, -1, -1, -1, 3, -1])
    found = module.nearest_distances(queries, own, lambda index: real[index], len(real))
    expected = [
        min((q - r).norm().item() for i, r in enumerate(real) if i != mine)
        for q, mine in zip(queries, own.tolist(), strict=True)
    ]
    assert found.tolist() == pytest.approx(expected, rel=1e-12)
    assert found[5] > 0 == found[6]


@pytest.mark.parametrize("of", ["pixels", "features"])
def test_real_images_are_copies_and_noise_is_none(record: Record, of: str) -> None:
    distances, copies = by_place(record, "nearest_real_distance"), by_place(record, "near_copies")
    control = distances["random", of]
    # Images pass through the network in other batches, which may change the last digits.
    assert max(control.values) == pytest.approx(0, abs=1e-3)
    assert copies["random", of].value == 1
    if of == "pixels":
        assert set(control.values) == {0}
        assert copies["dm", of].value == 0
        assert min(distances["dm", of].values) > 0.5
    assert list(distances["dm", of].values) == sorted(distances["dm", of].values)
    assert distances["dm", of].value == distances["dm", of].values[10]


def test_picture_has_a_panel_for_pixels_and_one_for_features(record: Record) -> None:
    evaluator: Any = EVALUATORS["nearest_real"]
    figure = evaluator(evaluator.Settings()).figure(list(record.measurements))
    assert [axes.get_title() for axes in figure.axes] == ["by pixels", "by features"]
    assert all(len(axes.get_lines()) == 3 for axes in figure.axes)
    assert evaluator(evaluator.Settings()).figure([]) is None
