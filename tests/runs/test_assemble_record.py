"""Keys contain all that changes numbers; what a run sets in the process is undone after it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ddbench.data.input_space import input_space_definition
from ddbench.data.registry import DATASETS
from ddbench.distilling.registry import METHODS
from ddbench.runs.assemble_record import run_key
from ddbench.runs.execute import execute, opened
from ddbench.runs.request import RunRequest
from ddbench.training import loop
from ddbench.training.lab import Lab


@pytest.fixture
def keys(tiny: Callable[..., RunRequest], tmp_path: Path) -> Callable[..., tuple[str, Any]]:
    def of(*overrides: str) -> tuple[str, Any]:
        request = tiny(tmp_path, "method=apm", *overrides)
        with opened(request, quiet=True) as (lab, _):
            return run_key(request, lab), lab.identity

    return of


def test_key_of_a_run_depends_on_its_control(
    keys: Callable[..., tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys()[0]
    assert keys("control=null")[0] != before
    monkeypatch.setattr(METHODS["random"], "version", 99)
    assert keys()[0] != before


def test_identity_of_a_lab_depends_on_the_training_loop(
    keys: Callable[..., tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = keys()
    monkeypatch.setattr("ddbench.training.lab.LOOP_VERSION", loop.LOOP_VERSION + 1)
    assert keys()[0] != before[0]
    assert keys()[1] != before[1]


def test_identity_of_a_normalised_lab_depends_on_the_published_statistics(
    keys: Callable[..., tuple[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, whitened = keys()[1], keys("input_space=zca")[1]
    monkeypatch.setattr(DATASETS["digits"], "mean", (0.4,))
    assert keys()[1] != before
    assert keys("input_space=zca")[1] == whitened


def test_threads_and_algorithms_are_given_back_behind_a_run(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    threads, flag = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    with opened(tiny(tmp_path, "method=random", f"threads={threads + 1}"), quiet=True):
        assert torch.get_num_threads() == threads + 1
        assert torch.are_deterministic_algorithms_enabled()
    assert torch.get_num_threads() == threads
    assert torch.are_deterministic_algorithms_enabled() == flag


def test_record_names_the_control_with_its_version_and_hash(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    request = tiny(tmp_path, "method=apm", "protocols=[hard]", "model.width=8")
    record = execute(request, quiet=True).record
    assert record.control is not None
    assert record.control.name == "random"
    assert record.control.version == METHODS["random"].version
    assert len(record.control.distilled) == 64
    assert record.paper_seconds is not None
    assert record.paper_seconds > sum(cost.wall_seconds for cost in record.costs)


@pytest.mark.parametrize(("name", "selects"), [("random", True), ("dm", False)])
def test_record_says_whether_the_images_are_real_ones(
    name: str, selects: bool, tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    request = tiny(tmp_path, f"method={name}", "protocols=[hard]", "model.width=8")
    assert execute(request, quiet=True).record.plain()["distilled"]["selected"] is selects


def test_space_of_a_lab_is_defined_by_its_name(
    tiny: Callable[..., RunRequest], tmp_path: Path
) -> None:
    with opened(tiny(tmp_path, "method=random", "input_space=zca"), quiet=True) as (lab, _):
        assert isinstance(lab, Lab)
        assert lab.identity["space"] == input_space_definition("zca")
