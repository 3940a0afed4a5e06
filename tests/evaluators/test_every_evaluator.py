"""What every evaluator promises; see `ddbench.testing.evaluators`.

A new evaluator is found by its file: nothing is added here for it.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ddbench.runs.execute import Outcome, execute
from ddbench.runs.request import RunRequest
from ddbench.scoring.registry import EVALUATORS
from ddbench.testing import Check, checks
from ddbench.testing.evaluators import check_addition

Execute = Callable[..., Outcome]


@pytest.fixture(scope="module")
def execute_in(
    tiny: Callable[..., RunRequest], tmp_path_factory: pytest.TempPathFactory
) -> Execute:
    """Do a run of APM in a named store that the tests of this module share."""
    root = tmp_path_factory.mktemp("evaluators")

    def run(store: str, *overrides: str) -> Outcome:
        request = tiny(root / store, "method=apm", "model.width=8", *overrides)
        return execute(request, quiet=True)

    return run


@pytest.fixture(scope="module")
def first(execute_in: Execute) -> Outcome:
    """A finished run scored by accuracy under one protocol."""
    return execute_in("one", "evaluators=[accuracy]", "protocols=[hard]")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working folder that evaluators share, so that each finds the set of the others."""
    return tmp_path_factory.mktemp("shared")


@pytest.mark.parametrize("name", EVALUATORS.names())
@pytest.mark.parametrize("check", checks("evaluators"), ids=str)
def test_evaluator(
    check: Check, name: str, folder: Path, hold: Callable[[Check, str, Path], None]
) -> None:
    hold(check, name, folder)


def test_adding_a_protocol_changes_no_number_and_supersedes(
    first: Outcome, execute_in: Execute
) -> None:
    check_addition(
        first, execute_in("one", "evaluators=[accuracy]", "protocols=[hard,paper,soft,noaug]")
    )


def test_record_that_measures_less_supersedes_nothing(first: Outcome, execute_in: Execute) -> None:
    fewer = execute_in("one", "evaluators=[accuracy]", "protocols=[hard]", "control=null")
    assert first.record.supersedes is None
    assert fewer.record.supersedes is None


def test_record_beside_a_damaged_one_is_written(
    first: Outcome, execute_in: Execute, tmp_path: Path
) -> None:
    damaged = first.folder.parent / "apm-digits-damaged" / "record.json"
    damaged.parent.mkdir()
    damaged.write_text('{"schema": "ddbench-record/1", "measurements": 3}')
    outcome = execute_in("one", "evaluators=[accuracy]", "protocols=[hard,noaug]")
    assert outcome.record.supersedes == first.record.run
