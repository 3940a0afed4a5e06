"""Operations without a deterministic algorithm are named, in checkpoints and in the record."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ddbench.distilling.distilled_set import DistilledSet
from ddbench.distilling.registry import METHODS
from ddbench.errors import UserError
from ddbench.records.record import Record
from ddbench.records.report import report
from ddbench.runs.execute import execute
from ddbench.runs.request import RunRequest
from ddbench.runtime.determinism import nondeterminism_noted
from ddbench.runtime.device import Execution, process_settings_restored

CUBLAS = (
    "Deterministic behavior was enabled with either `torch.use_deterministic_algorithms(True)` or "
    "`at::Context::setDeterministicAlgorithms(true)`, but this operation is not deterministic "
    "because it uses CuBLAS and you have CUDA >= 10.2."
)


def use_what_has_no_deterministic_algorithm() -> None:
    torch.zeros(3).put_(torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))


@pytest.fixture
def asked_for_determinism() -> Any:
    with process_settings_restored():
        torch.use_deterministic_algorithms(True, warn_only=True)
        yield


@pytest.mark.usefixtures("asked_for_determinism")
def test_an_operation_is_noted_however_often_it_was_warned_of_before() -> None:
    for _ in range(2):
        found: set[str] = set()
        with nondeterminism_noted(found):
            use_what_has_no_deterministic_algorithm()
        assert found == {"put_"}


def test_other_warnings_are_still_shown() -> None:
    found: set[str] = set()
    with pytest.warns(UserWarning, match="something else"), nondeterminism_noted(found):
        warnings.warn("something else", stacklevel=1)
    assert not found


def test_matrix_products_are_noted_where_sums_may_come_in_any_order() -> None:
    found: set[str] = set()
    with nondeterminism_noted(found):
        warnings.warn(CUBLAS, stacklevel=1)
    assert found == {"matrix products"}


def test_a_resumed_run_knows_the_operations_of_its_beginning() -> None:
    cpu = torch.device("cpu")
    begun = Execution(cpu, 1, nondeterministic={"put_", "kthvalue"})
    resumed = Execution(cpu, 1, nondeterministic={"cumsum"})
    resumed.continue_from(begun.plain(), Path("checkpoint"))
    assert resumed.plain()["nondeterministic"] == ["cumsum", "kthvalue", "put_"]
    with pytest.raises(UserError, match="checkpoint is damaged"):
        resumed.continue_from({**begun.plain(), "nondeterministic": 3}, Path("checkpoint"))


def test_the_record_and_the_report_name_the_operations(
    tiny: Callable[..., RunRequest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish = METHODS["random"].finish

    def careless(self: Any) -> DistilledSet:
        use_what_has_no_deterministic_algorithm()
        return finish(self)

    monkeypatch.setattr(METHODS["random"], "finish", careless)
    request = tiny(tmp_path, "method=random", "protocols=[hard]", "model.width=8")
    outcome = execute(request, quiet=True)
    record = Record.load(outcome.folder / "record.json")
    assert record.environment.nondeterministic == ("put_",)
    assert report(record).endswith("repeating the command may give other bits, because of put_")
