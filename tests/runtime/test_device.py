"""What a resumed run compares, and what is set before the first use of a device."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import torch

from ddbench.errors import UserError
from ddbench.runtime.device import Execution, process_settings_restored

VERSIONS = {"cuda": "12.4", "cudnn": 90100, "driver": "550.1"}


@pytest.fixture
def accelerated(monkeypatch: pytest.MonkeyPatch) -> Execution:
    """An execution that describes itself as one on a GPU."""
    execution = Execution(torch.device("cpu"), 1)
    monkeypatch.setitem(vars(execution), "accelerator", VERSIONS)
    return execution


def test_a_cpu_has_no_versions_of_an_accelerator() -> None:
    assert Execution(torch.device("cpu"), 1).accelerator == {}


@pytest.mark.parametrize("name", VERSIONS)
def test_another_version_beside_the_accelerator_is_refused(
    name: str, accelerated: Execution
) -> None:
    saved: dict[str, Any] = {**accelerated.plain(), name: "older"}
    with pytest.raises(UserError, match=f"begun with {name} older, now it is {VERSIONS[name]}"):
        accelerated.continue_from(saved, Path("x"))


def test_work_of_an_earlier_version_without_these_goes_on(accelerated: Execution) -> None:
    saved = {key: value for key, value in accelerated.plain().items() if key not in VERSIONS}
    accelerated.continue_from(saved, Path("x"))


def test_workspace_of_matrix_products_is_chosen_before_a_device_is_used(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG", raising=False)
    seen = []
    zeros = torch.zeros

    def noted(*arguments: Any, **options: Any) -> torch.Tensor:
        seen.append(os.environ.get("CUBLAS_WORKSPACE_CONFIG"))
        return zeros(*arguments, **options)

    monkeypatch.setattr(torch, "zeros", noted)
    with process_settings_restored():
        Execution.start("cpu")
        assert seen == [":4096:8"]
        monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
        monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
        with pytest.warns(UserWarning, match="CUDA was in use before"):
            Execution.start("cpu")
